"""Whether events come in, and if not, what they wait for."""

from __future__ import annotations

from enum import StrEnum

from startdeliver.sync.models import Connection
from startdeliver.tenancy.models import Organization
from startdeliver.usage.selectors import is_configured


class Standing(StrEnum):
    """What stands in the way, the first thing first; ON: nothing."""

    LOCKED = "locked"
    NO_CONNECTION = "no_connection"
    NO_PRODUCT = "no_product"
    OFF = "off"
    ON = "on"


def standing(organization: Organization, link: Connection) -> Standing:
    """Whether events come in. The tier and the products are read as they are stored now."""
    if not Organization.objects.filter(pk=organization.pk, advanced=True).exists():
        return Standing.LOCKED
    if not link.is_ready:
        return Standing.NO_CONNECTION
    if not is_configured():
        return Standing.NO_PRODUCT
    return Standing.ON if link.sync_events else Standing.OFF


def is_on(organization: Organization, link: Connection) -> bool:
    """Whether events come in."""
    return standing(organization, link) is Standing.ON


WORDS = {
    Standing.LOCKED: "locked: advanced functionality",
    Standing.NO_CONNECTION: "waiting for the connection",
    Standing.NO_PRODUCT: "waiting for a product with usage types",
    Standing.OFF: "off",
    Standing.ON: "on",
}
