"""The client address of a request, by which log-in attempts are counted."""

from __future__ import annotations

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """Returns the address of the browser or program behind the trusted proxies (STARTDELIVER_TRUSTED_PROXIES).

    Without trusted proxies `X-Forwarded-For` is ignored, because anyone can write anything into it. With them it is
    read from its end, where our own proxies write, up to the first address that is not a trusted proxy.
    """
    address = str(request.META.get("REMOTE_ADDR", ""))
    if not _is_proxy(address):
        return address
    for part in reversed(str(request.META.get("HTTP_X_FORWARDED_FOR", ""))[-2000:].split(",")):
        forwarded = _plain(part)
        if not forwarded:
            break
        address = forwarded
        if not _is_proxy(address):
            break
    return address


def _is_proxy(address: str) -> bool:
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    return any(ip in network for network in settings.CONFIG.trusted_proxies)


def _plain(text: str) -> str:
    """Returns an entry of the header without port and brackets; empty when it is no address."""
    given = text.strip()
    if given.startswith("["):
        given = given[1:].partition("]")[0]
    elif given.count(":") == 1:
        given = given.partition(":")[0]
    try:
        return str(ip_address(given))
    except ValueError:
        return ""
