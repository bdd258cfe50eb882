"""The API of the app, teammates, teams, tags and segments (OpenAPI 2.16)."""

from __future__ import annotations

from typing import Any

from startdeliver.simulator.api.access import Scope
from startdeliver.simulator.api.routing import Call, Routes
from startdeliver.simulator.errors import ApiError
from startdeliver.simulator.serializers import workspace
from startdeliver.simulator.serializers.people import tag

routes = Routes()


@routes.get("/me")
def me(call: Call) -> dict[str, Any]:
    return workspace.me(call.workspace)


@routes.post("/auth/uninstall")
def uninstall(call: Call) -> dict[str, Any]:
    """Revoke the token. It answers 401 token_revoked from now on."""
    call.token.dead = "token_revoked"
    return {}


@routes.get("/admins", Scope.READ_ADMINS)
def list_admins(call: Call) -> dict[str, Any]:
    return {"type": "admin.list", "admins": [workspace.admin(a) for a in call.workspace.admins.values()]}


@routes.get("/admins/{id}", Scope.READ_ADMINS, Scope.READ_ONE_ADMIN)
def get_admin(call: Call) -> dict[str, Any]:
    record = call.workspace.admins.get(call.id)
    if record is None:
        raise ApiError(404, "admin_not_found", "Admin for admin_id not found")
    return workspace.admin(record)


@routes.get("/teams", Scope.READ_ADMINS)
def list_teams(call: Call) -> dict[str, Any]:
    return {"type": "team.list", "teams": [workspace.team(t) for t in call.workspace.teams.values()]}


@routes.get("/teams/{id}", Scope.READ_ADMINS)
def get_team(call: Call) -> dict[str, Any]:
    record = call.workspace.teams.get(call.id)
    if record is None:
        raise ApiError(404, "team_not_found", "Team not found")
    return workspace.team(record)


@routes.get("/tags", Scope.READ_TAGS)
def list_tags(call: Call) -> dict[str, Any]:
    return {"type": "list", "data": [tag(t) for t in call.workspace.tags.values()]}


@routes.get("/segments", Scope.READ_LIST)
def list_segments(call: Call) -> dict[str, Any]:
    return {
        "type": "segment.list",
        "segments": [workspace.segment(s) for s in call.workspace.segments.values()],
    }
