"""Addresses: the API, the documentation, and the pages."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("api/v1/", include("startdeliver.api.urls")),
    path("docs", include("startdeliver.docs.urls")),
    path("", include("startdeliver.web.urls")),
]
