"""Addresses of the API, below /api/v1/."""

from __future__ import annotations

from startdeliver.api.site import urls

app_name = "api"
urlpatterns = urls()
