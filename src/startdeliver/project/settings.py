"""Django's settings, all derived from `project.config`."""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import unquote, urlsplit

from startdeliver.common.crypto import KeyRing
from startdeliver.project import config as _config

try:
    CONFIG = _config.load()
except _config.ConfigError as error:
    sys.stderr.write(f"startdeliver: {error}\n")
    raise SystemExit(2) from None

SECRET_KEY = CONFIG.secret_key
KEY_RING = KeyRing(CONFIG.encryption_keys)
DEBUG = CONFIG.debug
DATABASES: dict[str, Any] = {"default": CONFIG.database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# On PostgreSQL, Procrastinate distributes the background work (startdeliver.engine).
_postgres = CONFIG.database["ENGINE"].endswith("postgresql")
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = ""

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "csp",
    *(["procrastinate.contrib.django"] if _postgres else []),
    "startdeliver.tenancy",
    "startdeliver.engine",
    "startdeliver.changes",
    "startdeliver.customers",
    "startdeliver.support",
    "startdeliver.usage",
    "startdeliver.workflows",
    "startdeliver.assessment",
    "startdeliver.sync",
    "startdeliver.api",
    "startdeliver.web",
    "startdeliver.docs",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "startdeliver.web.middleware.NoNullCharacters",
    "startdeliver.tenancy.middleware.TenantMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "startdeliver.web.context.frame",
            ],
        },
    }
]

ROOT_URLCONF = "startdeliver.project.urls"
WSGI_APPLICATION = "startdeliver.project.wsgi.application"

AUTH_USER_MODEL = "tenancy.Member"
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/customers"
LOGOUT_REDIRECT_URL = "/login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-gb"
USE_I18N = False

STATIC_URL = "/static/"
# Files are served from the package itself; nothing is collected.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

_base = urlsplit(CONFIG.base_url)
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", *([_base.hostname] if _base.hostname else [])]
CSRF_TRUSTED_ORIGINS = [f"{_base.scheme}://{_base.netloc}"]
_https = _base.scheme == "https"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _https else None
SESSION_COOKIE_SECURE = _https
CSRF_COOKIE_SECURE = _https
CSRF_FAILURE_VIEW = "startdeliver.web.views.errors.csrf_failure"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
# The longest value that an organization can choose. `tenancy.sessions` ends log-ins earlier.
SESSION_COOKIE_AGE = 90 * 24 * 3600
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "manifest-src": ["'self'"],
    }
}

DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024

DEFAULT_FROM_EMAIL = f"Startdeliver <startdeliver@{_base.hostname}>"
if CONFIG.email_url:
    _mail = urlsplit(CONFIG.email_url)
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST = _mail.hostname or ""
    EMAIL_PORT = _mail.port or (465 if _mail.scheme == "smtps" else 587)
    EMAIL_HOST_USER = unquote(_mail.username or "")
    EMAIL_HOST_PASSWORD = unquote(_mail.password or "")
    EMAIL_USE_SSL = _mail.scheme == "smtps"
    EMAIL_USE_TLS = _mail.scheme == "smtp" and bool(_mail.username)
    EMAIL_TIMEOUT = 10
else:
    EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"startdeliver": {"level": "INFO"}},
}
