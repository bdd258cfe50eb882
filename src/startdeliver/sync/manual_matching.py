"""What an administrator decides about a skipped conversation: whose it is, or that its contact becomes a user. The
ticket arrives at once, within the request."""

from __future__ import annotations

from startdeliver.changes.models import Kind
from startdeliver.changes.queue import record
from startdeliver.common.crypto import DecryptionError
from startdeliver.customers.models import CustomerUser
from startdeliver.intercom import IntercomError
from startdeliver.support import health
from startdeliver.support.models import Ticket
from startdeliver.sync import intercom_records, matching, session
from startdeliver.sync.intercom_records import LinkRow
from startdeliver.sync.models import Connection, IntercomContact, Skip
from startdeliver.sync.pull.rematch import import_conversations
from startdeliver.sync.pull.work import Pull

# The same person's other conversations arrive at once too, as many as somebody can wait for; the rest with the next
# sync.
_AT_ONCE = 20


class ManualMatchError(Exception):
    """It could not be done; `str(error)` is one sentence for the administrator. A match that was chosen is kept."""


def match_skip(skip: Skip, user: CustomerUser) -> Ticket:
    """Matches the skipped conversation's contact to `user` for good and imports the conversation. Raises
    ManualMatchError."""
    if not skip.contact_ref:
        raise ManualMatchError("This conversation names no contact, so it cannot be matched to anybody.")
    with _Line(skip) as pull:
        ref = _known(pull, skip)
        pull.commit(_link, pull, ref, user)
        return _import(pull, skip)


def create_user_for_skip(skip: Skip) -> Ticket:
    """Makes a user from the skipped conversation's contact and imports the conversation. Raises ManualMatchError."""
    if not skip.contact_ref:
        raise ManualMatchError("This conversation names no contact, so no user can be made from it.")
    with _Line(skip) as pull:
        ref = _known(pull, skip)
        row = pull.people.contacts[ref]
        if row.state != IntercomContact.State.ACTIVE:
            raise ManualMatchError(
                "This contact no longer exists in Intercom, so no user can be made from it. Match it to a user by hand."
            )
        pull.people.load_users([ref])
        found = pull.people.find(ref)
        if found.ambiguous:
            raise ManualMatchError("This contact fits several users, so none was made. Choose the right one by hand.")
        if found.user is None:
            pull.commit(intercom_records.create_users, pull, [ref])
        return _import(pull, skip)


class _Line:
    """A line to Intercom for as long as the block lasts; what goes wrong there is said in a sentence."""

    def __init__(self, skip: Skip) -> None:
        link = Connection.objects.select_related("organization").get(organization=skip.organization_id)
        if not link.is_authenticated or link.workspace != skip.workspace:
            raise ManualMatchError("Intercom is not connected, so the conversation cannot be read. Authenticate first.")
        self._link = link
        self._line = session.line(link, quick=True)

    def __enter__(self) -> Pull:
        try:
            return Pull(self._link.organization, self._link, self._line.__enter__())
        except DecryptionError as error:
            raise ManualMatchError("The stored access token cannot be read. Authenticate again.") from error

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._line.__exit__(None, None, None)
        if isinstance(error, IntercomError):
            raise ManualMatchError(f"The ticket has not arrived yet: {error.sentence}") from error


def _known(pull: Pull, skip: Skip) -> str:
    """The contact (after merges) as Intercom knows it at this moment."""
    intercom_records.ask_contacts(pull, [skip.contact_ref])
    pull.people.load_contacts([skip.contact_ref])
    return matching.survivor(skip.contact_ref, pull.people.contacts)


def _link(pull: Pull, ref: str, user: CustomerUser) -> None:
    row = pull.people.contacts[ref]
    assert row.pk is not None
    intercom_records.save_links(pull, [LinkRow(row.pk, user.pk, "manual")])
    # So that the next sync looks at whatever else waits for this person.
    record(user.organization, Kind.USER_DETAILS, users=[user.pk])
    pull.people.forget()


def _import(pull: Pull, skip: Skip) -> Ticket:
    same = Skip.objects.filter(
        workspace=skip.workspace, contact_ref=skip.contact_ref, resolved_at__isnull=True
    ).exclude(pk=skip.pk)
    others = list(same.order_by("-conversation_updated_at").values_list("external_id", flat=True)[:_AT_ONCE])
    import_conversations(pull, [skip.external_id, *others])
    health.refresh(pull.organization, early=True)
    ticket = Ticket.objects.filter(workspace=skip.workspace, external_id=skip.external_id).first()
    if ticket is None:
        raise ManualMatchError(
            "This conversation was deleted in Intercom, or is an unanswered message by now; no ticket came."
        )
    return ticket
