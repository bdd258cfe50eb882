"""Checks that a page fits a desktop and a phone and is accessible, in the light and the dark theme."""

from __future__ import annotations

import json
from typing import Any, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

WIDTHS = (1280, 375)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
AXE = Axe()
#: What a theme changes. Nearly all of axe's time goes into this rule.
COLORS = {"runOnly": ["color-contrast"]}


def problems_of(page: Page) -> list[str]:
    """Returns the problems of the open page: wider than the window, or violations that axe reports; one sentence each.

    The page is loaded once and checked in every width and theme. The dark theme changes only colors, so only the rule
    about colors runs there.
    """
    problems = []
    page.evaluate(AXE.axe_script)
    for scheme in SCHEMES:
        # Without transitions: axe would see colors half-way between two themes.
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 812})
            actual = page.evaluate("document.documentElement.scrollWidth")
            if actual > width:
                problems.append(f"{page.url} is {actual} px wide at {width} px")
            for violation in _violations(page, {} if scheme == "light" else COLORS):
                targets = [node["target"] for node in violation["nodes"][:3]]
                problems.append(f"{page.url}, {scheme}, at {width} px: {violation['id']} {targets}")
    return problems


def _violations(page: Page, options: dict[str, Any]) -> list[dict[str, Any]]:
    # Style sheets need no second download: only an experimental rule, off by default, reads them.
    text = json.dumps({"resultTypes": ["violations"], "preload": {"assets": ["media"]}, **options})
    found: list[dict[str, Any]] = page.evaluate(f"axe.run({text}).then(results => results.violations)")
    return found
