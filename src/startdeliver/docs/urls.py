"""Addresses of the user documentation, below /docs/."""

from __future__ import annotations

from django.urls import path

from startdeliver.docs import views

app_name = "docs"
urlpatterns = [
    path("", views.index, name="index"),
    path("llms.txt", views.llms, name="llms"),
    path("<slug:slug>.md", views.markdown, name="markdown"),
    path("<slug:slug>", views.page, name="page"),
]
