"""Addresses of the API, below /api/v1/."""

from __future__ import annotations

from django.urls import path

from startdeliver.api import explorer
from startdeliver.api.site import urls

app_name = "api"
urlpatterns = [path("docs", explorer.page, name="explorer"), *urls()]
