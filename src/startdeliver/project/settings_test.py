"""Settings of the test suite: a temporary data directory. `DATABASE_URL` is ignored on purpose.

`STARTDELIVER_TEST_DATABASE=postgres` together with `TEST_POSTGRES_URL` runs the same suite on PostgreSQL.
"""

from __future__ import annotations

import os
import tempfile

from startdeliver.common.crypto import generate_key

_data = tempfile.mkdtemp(prefix="startdeliver-test-")
for _name in [name for name in os.environ if name.startswith(("STARTDELIVER_", "INTERCOM_"))]:
    if _name != "STARTDELIVER_TEST_DATABASE":
        del os.environ[_name]
os.environ["DATABASE_URL"] = (
    os.environ["TEST_POSTGRES_URL"]
    if os.environ.get("STARTDELIVER_TEST_DATABASE") == "postgres"
    else f"sqlite:///{_data}/test.sqlite3"
)
os.environ["STARTDELIVER_DATA_DIR"] = _data
os.environ["STARTDELIVER_SECRET_KEY"] = "test-secret-key-of-sufficient-length-0123456789"
os.environ["STARTDELIVER_ENCRYPTION_KEYS"] = generate_key()

from startdeliver.project.settings import *  # noqa: E402, F403
from startdeliver.project.settings import DATABASES, LOGGING  # noqa: E402

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
ALLOWED_HOSTS = ["*"]
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A crash of the machine may lose what tests committed.
    DATABASES["default"]["OPTIONS"]["init_command"] += "; PRAGMA synchronous=OFF"
LOGGING["root"]["level"] = "ERROR"
LOGGING["loggers"]["startdeliver"]["level"] = "ERROR"
