"""The addresses of the pages; the views of each group live in `web.views`."""

from __future__ import annotations

from django.urls import URLPattern
from django.views.generic import RedirectView

from startdeliver.web.access import page, public
from startdeliver.web.urls_more import urlpatterns as more
from startdeliver.web.views import session

urlpatterns: list[URLPattern] = [
    public("login", session.log_in, "login"),
    public("logout", session.log_out, "logout"),
    public("password/<str:token>", session.set_password, "password"),
    page("", RedirectView.as_view(url="/customers"), "home"),
    *more,
]
