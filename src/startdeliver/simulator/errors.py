"""Errors in Intercom's envelope (OpenAPI 2.16, schema `error`)."""

from __future__ import annotations

import uuid
from typing import Any


class ApiError(Exception):
    """An answer other than success: HTTP status, Intercom's code, a message, extra headers."""

    def __init__(
        self, status: int, code: str, message: str, *, field: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.field = field
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        """Return the error envelope with a fresh request id."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.field is not None:
            error["field"] = self.field
        return {"type": "error.list", "request_id": str(uuid.uuid4()), "errors": [error]}


def invalid(message: str, *, field: str | None = None, code: str = "parameter_invalid") -> ApiError:
    """Return a 400."""
    return ApiError(400, code, message, field=field)


def contact_not_found() -> ApiError:
    return ApiError(404, "not_found", "User Not Found")


def company_not_found() -> ApiError:
    return ApiError(404, "company_not_found", "Company Not Found")


def resource_not_found() -> ApiError:
    return ApiError(404, "not_found", "Resource Not Found")
