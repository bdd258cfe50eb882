"""/docs: the user documentation, readable without signing in, as HTML and as Markdown."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from startdeliver.docs import pages

MARKDOWN = "text/markdown; charset=utf-8"


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The first page of the index: Intercom."""
    return redirect("docs:page", slug=pages.INDEX[0].slug)


@require_safe
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """One page as HTML."""
    found = pages.page(slug)
    if found is None:
        raise Http404("There is no such documentation page.")
    return render(request, "docs/page.html", {"page": found, "pages": pages.pages()})


@require_safe
def markdown(request: HttpRequest, slug: str) -> HttpResponse:
    """One page as Markdown."""
    found = pages.page(slug)
    if found is None:
        raise Http404("There is no such documentation page.")
    return HttpResponse(found.markdown, content_type=MARKDOWN)


@require_safe
def llms(request: HttpRequest) -> HttpResponse:
    """The index for programs: every page with its address and summary."""
    lines = ["# Startdeliver", "", "> Customer-success hub with a bi-directional Intercom integration.", ""]
    lines += [f"- [{found.title}](/docs/{found.slug}.md): {found.summary}" for found in pages.pages()]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
