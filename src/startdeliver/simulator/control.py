"""The control API under /_control: faults, clock, log and state verbs as JSON, for demos and other processes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from startdeliver.simulator.clock import Clock
from startdeliver.simulator.errors import ApiError
from startdeliver.simulator.naming import words

if TYPE_CHECKING:
    from startdeliver.simulator.server import Simulator

VERBS = frozenset(
    words(
        "add_admin add_team add_tag add_segment add_contact set_contact archive_contact unarchive_contact "
        "delete_contact merge_contacts tag_contact add_contact_note add_company set_company delete_company "
        "tag_company attach detach add_conversation reply add_note close reopen snooze assign rate tag "
        "add_part redact_part set_conversation make_ticket set_ticket_state delete_conversation touch "
        "bulk_touch shuffle add_bulk define_attribute archive_attribute add_event "
        "define_conversation_attribute"
    )
)
_encoder = msgspec.json.Encoder(enc_hook=str)


async def handle(simulator: Simulator, request: web.BaseRequest) -> web.Response:
    """Answer one control request; mistakes answer 400 with `{"error": …}`."""
    try:
        raw = await request.read()
        body = msgspec.json.decode(raw, type=dict[str, Any]) if raw else {}
        with simulator.workspace.lock:
            result = _run(simulator, request.method, request.path.removeprefix("/_control/").strip("/"), body)
    except LookupError as error:
        return _answer({"error": f"not found: {error}"}, 404)
    except (ValueError, TypeError, AttributeError, ApiError) as error:
        return _answer({"error": str(error)}, 400)
    return _answer(result, 200)


def _answer(body: Any, status: int) -> web.Response:
    return web.Response(body=_encoder.encode(body), status=status, content_type="application/json")


def _run(simulator: Simulator, method: str, name: str, body: dict[str, Any]) -> Any:
    if name.startswith("verbs/") and method == "POST":
        return _verb(simulator, name.removeprefix("verbs/"), body)
    action = _ACTIONS.get((method, name))
    if action is None:
        raise LookupError(f"{method} {name}")
    return action(simulator, body)


def _verb(simulator: Simulator, name: str, body: dict[str, Any]) -> Any:
    """Run a verb of the workspace with its arguments by name; answer with the record's fields."""
    if name not in VERBS:
        raise LookupError(name)
    result = getattr(simulator.workspace, name)(**body)
    if isinstance(result, list):
        return {"ids": [getattr(r, "id", r) for r in result]}
    if hasattr(result, "__dataclass_fields__"):
        return asdict(result)
    return {"result": result}


def _state(simulator: Simulator, body: dict[str, Any]) -> dict[str, Any]:
    workspace = simulator.workspace
    return {
        "id_code": workspace.id_code,
        "region": workspace.region,
        "timezone": workspace.timezone,
        "now": workspace.now(),
        "conversations": len(workspace.conversations),
        "contacts": len(workspace.contacts),
        "companies": len(workspace.companies),
        "deleted_conversations": len(workspace.deleted_conversations),
        "index_lag": workspace.index_lag,
        "rate_limit": simulator.limiter.limit,
        "latency_ms": simulator.faults.latency_ms,
        "scopes": sorted(simulator.access.scopes),
    }


def _configure(simulator: Simulator, body: dict[str, Any]) -> dict[str, Any]:
    """Change settings: id_code (a wrong workspace), region, timezone, index_lag, rate_limit, latency_ms and so on."""
    workspace = simulator.workspace
    for key, value in body.items():
        match key:
            case "id_code" | "region" | "timezone" | "index_lag" | "custom_data_limit":
                setattr(workspace, key, value)
            case "rate_limit":
                simulator.limiter.limit = int(value)
            case "workspace_limit":
                simulator.limiter.workspace_limit = int(value)
            case "latency_ms":
                simulator.faults.latency_ms = float(value)
            case "app_version":
                simulator.access.app_version = str(value)
            case _:
                raise ValueError(f"unknown setting {key!r}")
    return _state(simulator, body)


def _clock(simulator: Simulator, body: dict[str, Any]) -> dict[str, Any]:
    """`{"advance": seconds}`, `{"freeze": unix seconds or null}` or `{"real": true}`."""
    clock = simulator.workspace.now
    if not isinstance(clock, Clock):
        raise ValueError("this workspace was given a clock of its own")
    if "advance" in body:
        clock.advance(float(body["advance"]))
    elif "freeze" in body:
        clock.freeze(body["freeze"])
    elif body.get("real"):
        clock.reset()
    else:
        raise ValueError("one of advance, freeze or real is required")
    return {"now": clock()}


def _fault(simulator: Simulator, body: dict[str, Any]) -> dict[str, Any]:
    simulator.faults.fail_next(**body)
    return {}


def _latency(simulator: Simulator, body: dict[str, Any]) -> dict[str, Any]:
    simulator.faults.latency(body["path"], float(body["ms"]))
    return {}


def _page_hook(simulator: Simulator, body: dict[str, Any]) -> dict[str, Any]:
    """`{"path", "page", "touch": [conversation ids]}`: touch them just before that page of a search."""
    ids = [str(i) for i in body["touch"]]
    simulator.faults.before_page(body["path"], int(body["page"]), lambda: simulator.workspace.bulk_touch(ids))
    return {}


def _kill_tokens(simulator: Simulator, body: dict[str, Any]) -> dict[str, Any]:
    if body.get("revive"):
        simulator.access.revive_tokens()
    else:
        simulator.access.kill_tokens(body.get("code", "token_revoked"))
    return {}


def _scopes(simulator: Simulator, body: dict[str, Any]) -> dict[str, Any]:
    for scope in body.get("drop", []):
        simulator.access.drop_scope(scope)
    for scope in body.get("grant", []):
        simulator.access.grant_scope(scope)
    return {"scopes": sorted(simulator.access.scopes)}


def _clear_faults(simulator: Simulator, body: dict[str, Any]) -> dict[str, Any]:
    simulator.faults.clear()
    return {}


def _log(simulator: Simulator, body: dict[str, Any]) -> dict[str, Any]:
    latest = list(simulator.log.entries)[-200:]
    return {**simulator.log.summary(), "latest": [[e.method, e.path, e.status] for e in latest]}


def _clear_log(simulator: Simulator, body: dict[str, Any]) -> dict[str, Any]:
    simulator.log.clear()
    return {}


def _changes(simulator: Simulator, body: dict[str, Any]) -> dict[str, Any]:
    return {"changes": [asdict(c) for c in list(simulator.workspace.changes)[-1000:]]}


_ACTIONS: dict[tuple[str, str], Callable[[Simulator, dict[str, Any]], Any]] = {
    ("GET", "state"): _state,
    ("POST", "settings"): _configure,
    ("POST", "clock"): _clock,
    ("POST", "faults"): _fault,
    ("DELETE", "faults"): _clear_faults,
    ("POST", "latency"): _latency,
    ("POST", "before_page"): _page_hook,
    ("POST", "tokens"): _kill_tokens,
    ("POST", "scopes"): _scopes,
    ("GET", "log"): _log,
    ("DELETE", "log"): _clear_log,
    ("GET", "changes"): _changes,
}
