"""The operator's addresses. They are separate from `urls`, whose pages are for members."""

from __future__ import annotations

from django.urls import URLPattern, path

from startdeliver.web.views import operator

urlpatterns: list[URLPattern] = [
    path("operator", operator.organizations, name="operator"),
    path("operator/changes", operator.changes, name="operator-changes"),
    path("operator/organizations/<int:pk>/advanced", operator.advanced, name="operator-advanced"),
    path("operator/jobs", operator.failed_jobs, name="operator-jobs"),
    path("operator/jobs/<int:pk>/retry", operator.retry_job, name="operator-job-retry"),
    path("operator/login", operator.log_in, name="operator-login"),
    path("operator/logout", operator.log_out, name="operator-logout"),
    path("operator/password/<str:token>", operator.set_password, name="operator-password"),
]
