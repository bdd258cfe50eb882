"""The addresses of tickets, apps and settings."""

from __future__ import annotations

from django.urls import URLPattern

from startdeliver.web.access import page, public
from startdeliver.web.views import exports_of, fields, imports, intercom, intercom_lists, lists, settings, team, tickets

urlpatterns: list[URLPattern] = [
    page("tickets", tickets.ticket_list, "tickets"),
    page("tickets/<int:pk>", tickets.ticket, "ticket"),
    page("apps", intercom.apps, "apps"),
    page("apps/intercom", intercom.page, "intercom"),
    page("apps/intercom/authorize", intercom.authorize, "intercom-authorize"),
    page("apps/intercom/callback", intercom.callback, "intercom-callback"),
    page("apps/intercom/token", intercom.token, "intercom-token"),
    page("apps/intercom/save", intercom.save, "intercom-save"),
    page("apps/intercom/sync", intercom.sync, "intercom-sync"),
    page("apps/intercom/progress", intercom.progress, "intercom-progress"),
    page("apps/intercom/revoke", intercom.revoke, "intercom-revoke"),
    page("apps/intercom/delete", intercom.delete, "intercom-delete"),
    page("apps/intercom/skips", intercom_lists.skips, "intercom-skips"),
    page("apps/intercom/skips/<int:pk>", intercom_lists.match, "intercom-match"),
    page("apps/intercom/skips/<int:pk>/match", intercom_lists.match_to, "intercom-match-to"),
    page("apps/intercom/skips/<int:pk>/create", intercom_lists.create_user, "intercom-create-user"),
    page("apps/intercom/fields", intercom_lists.field_rules, "intercom-fields"),
    page("apps/intercom/runs", intercom_lists.history, "intercom-runs"),
    page("apps/intercom/runs/<int:pk>", intercom_lists.run, "intercom-run"),
    page("customers/columns", lists.columns, "customers-columns"),
    page("customers/lists", lists.create, "customers-lists"),
    page("customers/lists/<int:pk>/<str:action>", lists.change, "customers-list-change"),
    page("customers/export", exports_of.customers, "customers-export"),
    page("users/export", exports_of.users, "users-export"),
    page("tickets/export", exports_of.tickets, "tickets-export"),
    page("apps/intercom/skips/export", exports_of.skips, "intercom-skips-export"),
    page("customers/import", imports.upload, "customers-import"),
    page("customers/import/<int:pk>", imports.file, "customers-import-file"),
    page("customers/import/<int:pk>/progress", imports.progress, "customers-import-progress"),
    page("customers/import/<int:pk>/start", imports.start, "customers-import-start"),
    page("customers/import/<int:pk>/discard", imports.discard, "customers-import-discard"),
    page("customers/import/<int:pk>/report", imports.report, "customers-import-report"),
    page("settings", settings.index, "settings"),
    page("settings/team", team.team, "settings-team"),
    page("settings/team/<int:pk>/<str:action>", team.member, "settings-member"),
    page("settings/apikeys", team.api_keys, "settings-apikeys"),
    page("settings/apikeys/<int:pk>/revoke", team.revoke_key, "settings-apikey-revoke"),
    page("signout-everywhere", team.sign_out_everywhere, "signout-everywhere"),
    public("password", team.forgot, "password-forgot"),
    page("settings/health", settings.health_rules, "settings-health"),
    page("settings/fields", fields.fields, "settings-fields"),
    page("settings/fields/new", fields.field_new, "settings-field-new"),
    page("settings/fields/<int:pk>", fields.field_edit, "settings-field"),
    page("settings/fields/<int:pk>/<str:action>", fields.field_action, "settings-field-action"),
]
