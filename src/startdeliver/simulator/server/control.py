"""The control API under /_control: faults, clock, log and operations as JSON, for demos and other processes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import msgspec
from aiohttp import web

from startdeliver.simulator.clock import Clock
from startdeliver.simulator.errors import ApiError
from startdeliver.simulator.server.simulator import Simulator

OPERATIONS = frozenset(
    (
        "add_admin add_team add_tag add_segment add_contact set_contact archive_contact unarchive_contact "
        "delete_contact merge_contacts tag_contact add_contact_note add_company set_company delete_company "
        "tag_company attach detach add_conversation reply add_note close reopen snooze assign rate tag "
        "add_part redact_part set_conversation make_ticket set_ticket_state delete_conversation touch "
        "bulk_touch shuffle add_bulk define_attribute archive_attribute add_event "
        "define_conversation_attribute"
    ).split()
)
_encoder = msgspec.json.Encoder(enc_hook=str)


async def handle(simulator: Simulator, request: web.BaseRequest) -> web.Response:
    """Answer one control request. Errors are 404 or 400 with `{"error": …}`."""
    status = 200
    try:
        raw = await request.read()
        body = msgspec.json.decode(raw, type=dict[str, Any]) if raw else {}
        with simulator.workspace.lock:
            result = _run(simulator, request.method, request.path.removeprefix("/_control/").strip("/"), body)
    except LookupError as error:
        result, status = {"error": f"not found: {error}"}, 404
    except (ValueError, TypeError, AttributeError, ApiError) as error:
        result, status = {"error": str(error)}, 400
    return web.Response(body=_encoder.encode(result), status=status, content_type="application/json")


def _run(simulator: Simulator, method: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
    workspace, faults, access = simulator.workspace, simulator.faults, simulator.access
    match method, name.split("/"):
        case "POST", ["verbs", *operation]:
            return _operate(simulator, "/".join(operation), body)
        case "GET", ["state"]:
            return _state(simulator)
        case "POST", ["settings"]:
            return _configure(simulator, body)
        case "POST", ["clock"]:
            return _set_clock(simulator, body)
        case "POST", ["faults"]:
            faults.fail_next(**body)
        case "DELETE", ["faults"]:
            faults.clear()
        case "POST", ["latency"]:
            faults.latency(body["path"], float(body["ms"]))
        case "POST", ["before_page"]:
            # Touch the conversations `touch` just before page `page` of a search on `path`.
            ids = [str(i) for i in body["touch"]]
            faults.before_page(body["path"], int(body["page"]), lambda: workspace.bulk_touch(ids))
        case "POST", ["tokens"]:
            if body.get("revive"):
                access.revive_tokens()
            else:
                access.kill_tokens(body.get("code", "token_revoked"))
        case "POST", ["scopes"]:
            for scope in body.get("drop", []):
                access.drop_scope(scope)
            for scope in body.get("grant", []):
                access.grant_scope(scope)
            return {"scopes": sorted(access.scopes)}
        case "GET", ["log"]:
            latest = [[e.method, e.path, e.status] for e in list(simulator.log.entries)[-200:]]
            return {**simulator.log.summary(), "latest": latest}
        case "DELETE", ["log"]:
            simulator.log.clear()
        case "GET", ["changes"]:
            return {"changes": [asdict(c) for c in list(workspace.changes)[-1000:]]}
        case _:
            raise LookupError(f"{method} {name}")
    return {}


def _operate(simulator: Simulator, name: str, body: dict[str, Any]) -> dict[str, Any]:
    """Call an operation of the workspace with its arguments by name. Return the record's fields."""
    if name not in OPERATIONS:
        raise LookupError(name)
    result = getattr(simulator.workspace, name)(**body)
    if isinstance(result, list):
        return {"ids": [getattr(r, "id", r) for r in result]}
    if hasattr(result, "__dataclass_fields__"):
        return asdict(result)
    return {"result": result}


def _state(simulator: Simulator) -> dict[str, Any]:
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
    """Change settings of the workspace, the limits, the latency or the app."""
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
    return _state(simulator)


def _set_clock(simulator: Simulator, body: dict[str, Any]) -> dict[str, Any]:
    """Take `{"advance": seconds}`, `{"freeze": unix seconds or null}` or `{"real": true}`."""
    clock = simulator.workspace.now
    if not isinstance(clock, Clock):
        raise ValueError("this workspace has a clock of its own, which cannot be moved")
    if "advance" in body:
        clock.advance(float(body["advance"]))
    elif "freeze" in body:
        clock.freeze(body["freeze"])
    elif body.get("real"):
        clock.reset()
    else:
        raise ValueError("one of advance, freeze or real is required")
    return {"now": clock()}
