"""The addresses of the pages; the views of each group live in `web.views`."""

from __future__ import annotations

from django.urls import URLPattern
from django.views.generic import RedirectView

from startdeliver.web.access import page, public
from startdeliver.web.urls_more import urlpatterns as more
from startdeliver.web.views import customer, customers, people, search, session, users

urlpatterns: list[URLPattern] = [
    public("login", session.log_in, "login"),
    public("logout", session.log_out, "logout"),
    public("password/<str:token>", session.set_password, "password"),
    page("", RedirectView.as_view(url="/customers"), "home"),
    page("customers", customers.customer_list, "customers"),
    page("customers/new", customer.customer_new, "customer_new"),
    page("customers/assign", customers.assign, "customers_assign"),
    page("customers/pick", customers.pick, "customers_pick"),
    page("customers/<int:pk>", customer.customer_page, "customer"),
    page("customers/<int:pk>/edit", customer.customer_edit, "customer_edit"),
    page("customers/<int:pk>/archive", customer.customer_archive, "customer_archive"),
    page("customers/<int:pk>/restore", customer.customer_restore, "customer_restore"),
    page("users", people.users, "users"),
    page("users/new", users.user_new, "user_new"),
    page("users/assign", users.assign, "users_assign"),
    page("users/unassigned", users.unassigned, "users_unassigned"),
    page("users/<int:pk>", users.user_page, "user"),
    page("users/<int:pk>/edit", users.user_edit, "user_edit"),
    page("users/<int:pk>/archive", users.user_archive, "user_archive"),
    page("users/<int:pk>/restore", users.user_restore, "user_restore"),
    page("search", search.search, "search"),
    *more,
]
