"""Settings from the environment, read once and checked. An error is one line that names the setting."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from dotenv import dotenv_values

from startdeliver.common.crypto import generate_key, parse_key

DEFAULT_SUPPORT_CONTACT = "the person who runs this installation"


# https://www.postgresql.org/docs/15/libpq-connect.html#LIBPQ-PARAMKEYWORDS: those that make sense as options of an
# address, which has its own places for user, password, host, port and database name.
_LIBPQ_OPTIONS = {
    *("sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "sslcertmode", "channel_binding", "gssencmode"),
    *("connect_timeout", "application_name", "target_session_attrs", "passfile", "service", "options"),
    *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"),
}


class ConfigError(Exception):
    """A setting has an invalid value. The message is one line and names the setting."""


@dataclass(frozen=True)
class Config:
    """Every setting of the installation, checked."""

    data_dir: Path
    database: dict[str, Any]
    secret_key: str
    encryption_keys: list[bytes]
    support_contact: str
    base_url: str
    intercom_client_id: str
    intercom_client_secret: str
    intercom_api_url: str
    intercom_app_url: str
    debug: bool
    email_url: str
    #: Proxies whose X-Forwarded-For is trusted.
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()


def load(environ: Mapping[str, str] | None = None, *, dotenv: Path | None = Path(".env")) -> Config:
    """Reads the environment (and a `.env`, which never overrides it). Raises ConfigError.

    Creates the data directory and, with SQLite, the keys kept in it.
    """
    values = _values(environ, dotenv)
    data_dir = Path(values.get("STARTDELIVER_DATA_DIR") or "data").expanduser().resolve()
    if data_dir.exists() and not data_dir.is_dir():
        raise ConfigError(f"STARTDELIVER_DATA_DIR: {data_dir} is a file, not a directory")
    without_dir = ""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        without_dir = f"STARTDELIVER_DATA_DIR: {data_dir} cannot be created ({error.strerror})"
    database = _database(values.get("DATABASE_URL", ""), data_dir)
    postgres = database["ENGINE"].endswith("postgresql")
    if without_dir and not postgres:
        raise ConfigError(without_dir)

    secret_key = _kept(
        "STARTDELIVER_SECRET_KEY", values, data_dir / "secret.key", postgres, lambda: secrets.token_urlsafe(32)
    )
    if len(secret_key) < 32:
        raise ConfigError("STARTDELIVER_SECRET_KEY: must be at least 32 characters")
    key_text = _kept("STARTDELIVER_ENCRYPTION_KEYS", values, data_dir / "encryption.keys", postgres, generate_key)
    try:
        keys = [parse_key(part) for part in key_text.replace("\n", ",").split(",") if part.strip()]
    except ValueError as error:
        raise ConfigError(f"STARTDELIVER_ENCRYPTION_KEYS: {error}") from error
    if not keys:
        raise ConfigError("STARTDELIVER_ENCRYPTION_KEYS: names no key")

    client_id = values.get("INTERCOM_CLIENT_ID", "").strip()
    client_secret = values.get("INTERCOM_CLIENT_SECRET", "").strip()
    if bool(client_id) != bool(client_secret):
        missing = "INTERCOM_CLIENT_SECRET" if client_id else "INTERCOM_CLIENT_ID"
        raise ConfigError(f"{missing}: is missing; set both INTERCOM_CLIENT_ID and INTERCOM_CLIENT_SECRET, or neither")
    return Config(
        data_dir=data_dir,
        database=database,
        secret_key=secret_key,
        encryption_keys=keys,
        support_contact=values.get("STARTDELIVER_SUPPORT_CONTACT", "").strip() or DEFAULT_SUPPORT_CONTACT,
        base_url=_base_url(values.get("STARTDELIVER_BASE_URL", "")),
        intercom_client_id=client_id,
        intercom_client_secret=client_secret,
        intercom_api_url=_url("INTERCOM_API_URL", values.get("INTERCOM_API_URL", "")),
        intercom_app_url=_url("INTERCOM_APP_URL", values.get("INTERCOM_APP_URL", "")),
        debug=_flag("STARTDELIVER_DEBUG", values.get("STARTDELIVER_DEBUG", "")),
        email_url=_email_url(values.get("STARTDELIVER_EMAIL_URL", "")),
        trusted_proxies=_networks(values.get("STARTDELIVER_TRUSTED_PROXIES", "")),
    )


def given(name: str) -> str:
    """Returns the value of a setting in the environment or the `.env`; empty if neither has it. Raises ConfigError."""
    return _values(None, Path(".env")).get(name, "").strip()


def _values(environ: Mapping[str, str] | None, dotenv: Path | None) -> dict[str, str]:
    values: dict[str, str] = {}
    if dotenv is not None and dotenv.is_file():
        try:
            values.update({key: value for key, value in dotenv_values(dotenv).items() if value is not None})
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f".env: cannot be read ({error})") from error
    values.update(os.environ if environ is None else environ)
    return values


def _database(url: str, data_dir: Path) -> dict[str, Any]:
    url = url.strip()
    if not url:
        return _sqlite(data_dir / "startdeliver.sqlite3")
    parts = _split("DATABASE_URL", url)
    if parts.scheme == "sqlite":
        path = unquote(parts.path)
        if parts.netloc or not path or path == "/":
            raise ConfigError("DATABASE_URL: write sqlite:////absolute/path or sqlite:///relative/path")
        file = Path(path[1:]).expanduser()
        if file.is_dir():
            raise ConfigError(f"DATABASE_URL: {file} is a directory, not a file")
        if not file.parent.is_dir():
            raise ConfigError(f"DATABASE_URL: the directory {file.parent} does not exist")
        timeout = dict(parse_qsl(parts.query)).get("timeout", "20")
        if not timeout.isdecimal() or timeout == "0":
            raise ConfigError("DATABASE_URL: timeout= is the whole number of seconds for which a writer waits")
        return _sqlite(file, int(timeout))
    if parts.scheme not in ("postgres", "postgresql"):
        raise ConfigError("DATABASE_URL: must start with postgresql:// or sqlite:///")
    port = _port("DATABASE_URL", parts)
    name = unquote(parts.path.lstrip("/"))
    if not name:
        raise ConfigError("DATABASE_URL: names no database; write postgresql://user:password@host:5432/name")
    options = dict(parse_qsl(parts.query))
    if unknown := sorted(options.keys() - _LIBPQ_OPTIONS):
        raise ConfigError(f"DATABASE_URL: {unknown[0]!r} is not a connection option that is understood here")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(port) if port else "",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 10, **options},
    }


def _sqlite(path: Path, timeout: int = 20) -> dict[str, Any]:
    """Returns Django's description of a SQLite file: write-ahead log, and writers that wait for each other for
    `timeout` seconds instead of failing."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "ATOMIC_REQUESTS": False,
        "OPTIONS": {
            "timeout": timeout,
            "transaction_mode": "IMMEDIATE",
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-32000; "
                "PRAGMA mmap_size=134217728; PRAGMA temp_store=MEMORY"
            ),
        },
    }


def _kept(name: str, values: Mapping[str, str], path: Path, required: bool, make: Callable[[], str]) -> str:
    given = values.get(name, "").strip()
    if given:
        return given
    if required:
        raise ConfigError(f"{name}: is required when DATABASE_URL names PostgreSQL")
    if not path.exists():
        # O_EXCL: if two processes start together, one creates the key and the other reads it.
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass
        except OSError as error:
            raise ConfigError(f"STARTDELIVER_DATA_DIR: {path} cannot be written ({error.strerror})") from error
        else:
            made = make()
            with os.fdopen(handle, "w") as file:
                file.write(made + "\n")
            return made
    try:
        return path.read_text().strip()
    except OSError as error:
        raise ConfigError(f"{name}: {path} cannot be read ({error.strerror})") from error


def _url(name: str, value: str) -> str:
    value = value.strip().rstrip("/")
    if not value:
        return ""
    parts = _split(name, value)
    if parts.scheme not in ("http", "https") or not parts.hostname or any(character.isspace() for character in value):
        raise ConfigError(f"{name}: {value!r} is not an http:// or https:// address")
    if parts.username or parts.password:
        raise ConfigError(f"{name}: must not hold a user name or a password")
    _port(name, parts)
    if parts.query or parts.fragment:
        raise ConfigError(f"{name}: must not have a query or a fragment")
    return value


def _base_url(value: str) -> str:
    url = _url("STARTDELIVER_BASE_URL", value or "http://localhost:8000")
    if urlsplit(url).path:
        raise ConfigError("STARTDELIVER_BASE_URL: must not have a path; pages are served from the top of a host")
    return url


def _split(name: str, value: str) -> SplitResult:
    try:
        return urlsplit(value)
    except ValueError as error:
        raise ConfigError(f"{name}: is not an address ({error})") from error


def _port(name: str, parts: SplitResult) -> int | None:
    try:
        if parts.port == 0:
            raise ValueError("port 0")
        return parts.port
    except ValueError as error:
        raise ConfigError(f"{name}: the port is not a number from 1 to 65535") from error


def _email_url(value: str) -> str:
    value = value.strip()
    if not value:
        return ""
    parts = _split("STARTDELIVER_EMAIL_URL", value)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ConfigError("STARTDELIVER_EMAIL_URL: must be smtp://user:password@host:587 or smtps://…")
    _port("STARTDELIVER_EMAIL_URL", parts)
    return value


def _networks(value: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(part.strip()) for part in value.split(",") if part.strip())
    except ValueError as error:
        raise ConfigError(f"STARTDELIVER_TRUSTED_PROXIES: {error}; write 10.0.0.5, 10.1.0.0/16") from error


def _flag(name: str, value: str) -> bool:
    value = value.strip().lower()
    if value in ("", "0", "false", "no", "off"):
        return False
    if value in ("1", "true", "yes", "on"):
        return True
    raise ConfigError(f"{name}: {value!r} is neither true nor false")
