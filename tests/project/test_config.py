"""Settings by environment: read once, and a wrong value is refused in one line that names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from startdeliver.common.crypto import generate_key
from startdeliver.project.config import DEFAULT_SUPPORT_CONTACT, ConfigError, load
from tests.project.running import Installation

POSTGRES = "postgresql://user:p%40ss@db.example:5433/hub?sslmode=require"
SECRET = "s" * 40

WRONG = [
    ("DATABASE_URL", "mysql://x/y"),
    ("DATABASE_URL", "postgresql://host:99999/name"),
    ("DATABASE_URL", "postgresql://host:port/name"),
    ("DATABASE_URL", "postgresql://host/"),
    ("DATABASE_URL", "postgresql://[host/name"),
    ("DATABASE_URL", "postgresql://host/name?nonsense=1"),
    ("DATABASE_URL", "sqlite://relative.db"),
    ("DATABASE_URL", "sqlite:///"),
    ("DATABASE_URL", "sqlite:////nowhere/at/all/file.sqlite3"),
    ("DATABASE_URL", "sqlite:////tmp"),
    ("DATABASE_URL", "sqlite:////tmp/file.sqlite3?timeout=0"),
    ("STARTDELIVER_DATA_DIR", "/dev/null"),
    ("STARTDELIVER_DATA_DIR", "/dev/null/deeper"),
    ("STARTDELIVER_SECRET_KEY", "short"),
    ("STARTDELIVER_TRUSTED_PROXIES", "proxy.example"),
    ("STARTDELIVER_TRUSTED_PROXIES", "10.0.0.1/8"),
    ("STARTDELIVER_ENCRYPTION_KEYS", "not a key"),
    ("STARTDELIVER_ENCRYPTION_KEYS", ","),
    ("STARTDELIVER_BASE_URL", "hub.example.com"),
    ("STARTDELIVER_BASE_URL", "ftp://hub.example.com"),
    ("STARTDELIVER_BASE_URL", "https://"),
    ("STARTDELIVER_BASE_URL", "https://hub.example.com:0"),
    ("STARTDELIVER_BASE_URL", "https://hub.example.com:70000"),
    ("STARTDELIVER_BASE_URL", "https://hub.example.com/sub"),
    ("STARTDELIVER_BASE_URL", "https://hub.example.com?a=b"),
    ("STARTDELIVER_BASE_URL", "https://me:pw@hub.example.com"),
    ("STARTDELIVER_BASE_URL", "https://hub example.com"),
    ("INTERCOM_API_URL", "localhost:9000"),
    ("INTERCOM_APP_URL", "javascript:alert(1)"),
    ("STARTDELIVER_EMAIL_URL", "mailhost"),
    ("STARTDELIVER_EMAIL_URL", "smtp://"),
    ("STARTDELIVER_EMAIL_URL", "smtp://host:mail"),
    ("STARTDELIVER_DEBUG", "perhaps"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_is_refused_in_one_line_that_names_it(name: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load({"STARTDELIVER_DATA_DIR": str(tmp_path), name: value}, dotenv=None)
    assert str(caught.value).startswith(f"{name}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "missing"),
    [("INTERCOM_CLIENT_ID", "INTERCOM_CLIENT_SECRET"), ("INTERCOM_CLIENT_SECRET", "INTERCOM_CLIENT_ID")],
)
def test_half_an_intercom_app_is_refused(given: str, missing: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"^{missing}: "):
        load({"STARTDELIVER_DATA_DIR": str(tmp_path), given: "x"}, dotenv=None)


@pytest.mark.parametrize("missing", ["STARTDELIVER_SECRET_KEY", "STARTDELIVER_ENCRYPTION_KEYS"])
def test_postgresql_needs_its_keys_from_the_environment(missing: str, tmp_path: Path) -> None:
    values = {
        "STARTDELIVER_DATA_DIR": str(tmp_path),
        "DATABASE_URL": POSTGRES,
        "STARTDELIVER_SECRET_KEY": SECRET,
        "STARTDELIVER_ENCRYPTION_KEYS": generate_key(),
    }
    load(values, dotenv=None)
    del values[missing]
    with pytest.raises(ConfigError, match=f"^{missing}: "):
        load(values, dotenv=None)


def test_a_postgresql_address_is_taken_apart(tmp_path: Path) -> None:
    values = {"DATABASE_URL": POSTGRES, "STARTDELIVER_SECRET_KEY": SECRET, "STARTDELIVER_DATA_DIR": str(tmp_path)}
    found = load({**values, "STARTDELIVER_ENCRYPTION_KEYS": generate_key()}, dotenv=None).database
    assert (found["NAME"], found["USER"], found["PASSWORD"]) == ("hub", "user", "p@ss")
    assert (found["HOST"], found["PORT"], found["OPTIONS"]["sslmode"]) == ("db.example", "5433", "require")


def test_without_settings_everything_is_in_the_data_directory_and_stays(tmp_path: Path) -> None:
    values = {"STARTDELIVER_DATA_DIR": str(tmp_path / "data")}
    first, second = load(values, dotenv=None), load(values, dotenv=None)
    assert first == second
    assert first.database["NAME"] == str(tmp_path / "data" / "startdeliver.sqlite3")
    assert first.support_contact == DEFAULT_SUPPORT_CONTACT
    for name in ("secret.key", "encryption.keys"):
        assert (tmp_path / "data" / name).stat().st_mode & 0o077 == 0


def test_a_database_file_in_the_data_directory_that_is_yet_to_be_made(tmp_path: Path) -> None:
    data = tmp_path / "data"
    found = load({"STARTDELIVER_DATA_DIR": str(data), "DATABASE_URL": f"sqlite:///{data}/own.sqlite3"}, dotenv=None)
    assert found.database["NAME"] == f"{data}/own.sqlite3"


def test_every_key_decrypts_and_the_first_encrypts(tmp_path: Path) -> None:
    one, other = generate_key(), generate_key()
    values = {"STARTDELIVER_DATA_DIR": str(tmp_path), "STARTDELIVER_ENCRYPTION_KEYS": f"{one}, {other}"}
    assert len(load(values, dotenv=None).encryption_keys) == 2


def test_a_dotenv_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("STARTDELIVER_SUPPORT_CONTACT=Ops\nSTARTDELIVER_BASE_URL=https://one.example\n")
    values = {"STARTDELIVER_DATA_DIR": str(tmp_path), "STARTDELIVER_BASE_URL": "https://two.example"}
    found = load(values, dotenv=file)
    assert (found.support_contact, found.base_url) == ("Ops", "https://two.example")


class TestCommand:
    """The same through the command: status 2, one line, no traceback."""

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("STARTDELIVER_BASE_URL", "nonsense"),
            ("DATABASE_URL", "mysql://x/y"),
            ("STARTDELIVER_ENCRYPTION_KEYS", "short"),
        ],
    )
    @pytest.mark.parametrize("command", [("migrate",), ("serve", "--port=1"), ("org", "list")])
    def test_a_wrong_setting_ends_it(
        self, name: str, value: str, command: tuple[str, ...], installation: Installation
    ) -> None:
        installation.settings[name] = value
        done = installation.run(*command)
        assert done.returncode == 2
        assert done.stdout == ""
        assert len(done.stderr.splitlines()) == 1
        assert f"{name}: " in done.stderr

    def test_help_works_all_the_same(self, installation: Installation) -> None:
        installation.settings["DATABASE_URL"] = "mysql://x/y"
        for arguments in (["--help"], ["--version"], ["serve", "--help"], ["intercom", "sync", "--help"]):
            assert installation.run(*arguments).returncode == 0

    def test_a_wrong_value_in_a_dotenv_is_refused_too(self, installation: Installation) -> None:
        installation.folder.mkdir()
        (installation.folder / ".env").write_text("STARTDELIVER_BASE_URL=nonsense\n")
        done = installation.run("org", "list")
        assert done.returncode == 2
        assert "STARTDELIVER_BASE_URL: " in done.stderr
