"""Addresses: the API, the documentation, and the pages."""

from __future__ import annotations

from django.urls import include, path

from startdeliver.docs.views import index as docs_index
from startdeliver.project.health import healthz

urlpatterns = [
    path("healthz", healthz),
    path("api/v1/", include("startdeliver.api.urls")),
    path("docs", docs_index),
    path("docs/", include("startdeliver.docs.urls")),
    path("", include("startdeliver.web.urls_operator")),
    path("", include("startdeliver.web.urls")),
]

handler400 = "startdeliver.web.views.errors.bad_request"
handler403 = "startdeliver.web.views.errors.forbidden"
handler404 = "startdeliver.web.views.errors.not_found"
handler500 = "startdeliver.web.views.errors.server_error"
