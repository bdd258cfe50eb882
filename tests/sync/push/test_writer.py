"""The body of a write."""

from __future__ import annotations

from startdeliver.sync.push.writer import body_of

TYPES = {"health": "options", "login_at": "date", "seats": "float", "pilot": "boolean", "note": "string"}


def test_core_fields_stand_beside_the_attributes() -> None:
    body = body_of({"core.name": "Acme", "note": "x"}, TYPES, "")
    assert body == {"name": "Acme", "custom_attributes": {"note": "x"}}


def test_a_cleared_value_per_type() -> None:
    cleared = dict.fromkeys(TYPES)
    assert body_of(cleared, TYPES, "user")["custom_attributes"] == {
        "health": "",
        "login_at": None,
        "seats": None,
        "pilot": None,
        "note": "",
    }


def test_a_lead_takes_no_null() -> None:
    assert set(body_of(dict.fromkeys(TYPES), TYPES, "lead")["custom_attributes"].values()) == {""}
