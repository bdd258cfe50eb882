"""Where Intercom lives: API host, authorize host and the addresses of records for people, per data region.

Sources: OpenAPI 2.16 (servers), "Setting up OAuth" (authorize hosts), links as the inbox itself builds them.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Region:
    """``code`` as in ``/me.app.region``; ``api`` and ``app`` are origins without a trailing slash."""

    code: str
    api: str
    app: str

    def conversation_link(self, workspace_id: str, conversation_id: str, part_id: str | None = None) -> str:
        """The conversation in Intercom's inbox; with ``part_id`` scrolled to that message."""
        url = f"{self.app}/a/inbox/{_q(workspace_id)}/inbox/conversation/{_q(conversation_id)}"
        return f"{url}#part_id=comment-{_q(conversation_id)}-{_q(part_id)}" if part_id else url

    def contact_link(self, workspace_id: str, contact_id: str) -> str:
        """The contact's page in Intercom."""
        return f"{self.app}/a/apps/{_q(workspace_id)}/users/{_q(contact_id)}"

    def company_link(self, workspace_id: str, company_id: str) -> str:
        """The company's page in Intercom; ``company_id`` is Intercom's id."""
        return f"{self.app}/a/apps/{_q(workspace_id)}/companies/{_q(company_id)}"


US = Region("US", "https://api.intercom.io", "https://app.intercom.com")
EU = Region("EU", "https://api.eu.intercom.io", "https://app.eu.intercom.com")
AU = Region("AU", "https://api.au.intercom.io", "https://app.au.intercom.com")
REGIONS = {region.code: region for region in (US, EU, AU)}

# The exchange host is the same for every region (docs "Setting up OAuth").
TOKEN_HOST = US.api


def region(code: str | None) -> Region:
    """The region of a code such as "eu"; US for an empty or unknown one, whose host routes to the right region."""
    return REGIONS.get((code or "").strip().upper(), US)


def api_url(code: str | None, override: str = "") -> str:
    """The origin that requests go to: ``override`` (INTERCOM_API_URL; may hold a path) when set, else the region's API
    host.
    """
    return override.rstrip("/") if override else region(code).api


def app_url(code: str | None, override: str = "") -> str:
    """The origin of the authorize page: ``override`` (INTERCOM_APP_URL) when set, else the region's.

    Links for people never use this.
    """
    return override.rstrip("/") if override else region(code).app


def _q(text: str) -> str:
    return quote(str(text), safe="")
