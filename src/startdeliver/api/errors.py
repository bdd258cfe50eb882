"""What the API answers when it cannot do what was asked: JSON, one plain sentence, and the field when there is one."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpResponse

from startdeliver.api import wire


class ApiError(Exception):
    """An answer other than success. `field` is the name that the caller used; `fields` names several at once."""

    status = 400
    code = "invalid"

    def __init__(
        self, message: str, *, field: str | None = None, fields: Mapping[str, str] | None = None, **headers: str
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.fields = dict(fields or {})
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def response(self) -> HttpResponse:
        """The error as JSON: {"error": {"code", "message", "field"?, "fields"?}}."""
        error: dict[str, object] = {"code": self.code, "message": self.message}
        if self.field is not None:
            error["field"] = self.field
        if len(self.fields) > 1:
            error["fields"] = self.fields
        answer = wire.json_response({"error": error}, self.status)
        for name, value in self.headers.items():
            answer[name] = value
        # A program's mistakes are told to the program; Django would write a line of log for each of them too.
        answer._has_been_logged = self.status < 500  # type: ignore[attr-defined]
        return answer


class Invalid(ApiError):
    """400: the request does not say what it must, or says what it must not."""


class Unauthorized(ApiError):
    """401: no valid key."""

    status = 401
    code = "unauthorized"


class Forbidden(ApiError):
    """403: the key is valid and may not do this."""

    status = 403
    code = "forbidden"


class NotFound(ApiError):
    """404: there is no such address or record in this organization."""

    status = 404
    code = "not_found"


class MethodNotAllowed(ApiError):
    """405: the address exists and does not know this method."""

    status = 405
    code = "method_not_allowed"


class Conflict(ApiError):
    """409: another record has the value that must be unique."""

    status = 409
    code = "conflict"


class TooLarge(ApiError):
    """413: the body is over the limit."""

    status = 413
    code = "too_large"


class TooMany(ApiError):
    """429: asked too often; `Retry-After` says when to ask again."""

    status = 429
    code = "too_many_requests"

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message, Retry_After=str(max(1, int(seconds + 0.999))))


class Internal(ApiError):
    """500: our fault."""

    status = 500
    code = "internal"
