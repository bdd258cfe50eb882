"""Intercom's events as usage: whether they come in, what one counts as, and what waits for a usage type.

`standing` says whether events come in; `store` takes events of known users, each counted once whatever is retried, and
`take` one event of a contact (such as a webhook brings); `names` is what an administrator decides. The stage of a run
that asks Intercom is `sync.pull.events`.
"""

from startdeliver.sync.events.names import add, bring_in, ignore, overview, prune, remove, targets, unignore
from startdeliver.sync.events.standing import Standing, is_on, standing
from startdeliver.sync.events.store import DAYS, Incoming, incoming, store, take

__all__ = [
    "DAYS",
    "Incoming",
    "Standing",
    "add",
    "bring_in",
    "ignore",
    "incoming",
    "is_on",
    "overview",
    "prune",
    "remove",
    "standing",
    "store",
    "take",
    "targets",
    "unignore",
]
