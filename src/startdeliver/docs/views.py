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
    document = pages.page(slug)
    if document is None:
        raise Http404("There is no such documentation page.")
    return render(request, "docs/page.html", {"page": document, "pages": pages.pages()})


@require_safe
def markdown(request: HttpRequest, slug: str) -> HttpResponse:
    """One page as Markdown."""
    document = pages.page(slug)
    if document is None:
        raise Http404("There is no such documentation page.")
    return HttpResponse(document.markdown, content_type=MARKDOWN)


@require_safe
def llms(request: HttpRequest) -> HttpResponse:
    """The index for programs: every page with its address and summary."""
    lines = ["# Startdeliver", "", "> Customer-success hub with a bi-directional Intercom integration.", ""]
    lines += [f"- [{document.title}](/docs/{document.slug}.md): {document.summary}" for document in pages.pages()]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
