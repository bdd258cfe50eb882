"""The page to try the API."""

from __future__ import annotations

from django.test import Client

from startdeliver.api.entities import ENTITIES
from startdeliver.api.site import api


def test_it_needs_no_key_and_names_every_call_and_field(db: None) -> None:
    answer = Client().get("/api/v1/docs")
    assert answer.status_code == 200
    text = answer.content.decode()
    for path, methods in api.get_openapi_schema()["paths"].items():
        for method in methods:
            assert f'data-method="{method.upper()}" data-path="{path}"' in text
    for entity in ENTITIES:
        for field in entity.fields:
            assert f"<code>{field.name}</code>" in text


def test_it_works_under_the_strict_policy_without_anything_from_outside(db: None) -> None:
    answer = Client().get("/api/v1/docs")
    assert "script-src 'self'" in answer["Content-Security-Policy"]
    text = answer.content.decode()
    assert "<script>" not in text
    assert "onclick" not in text
    assert 'src="http' not in text
    assert 'rel="stylesheet" href="http' not in text
