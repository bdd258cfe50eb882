"""Mail as jobs: nothing that a person waits for, and no periodic task, talks to the mail server.

The text is encrypted in the job, since it may hold a link that logs somebody in.
"""

from __future__ import annotations

import json

from django.conf import settings
from django.core.mail import send_mail
from django.utils.crypto import get_random_string

from startdeliver.engine import jobs

KIND = "mail"


def enqueue_mail(*, to: str, subject: str, text: str) -> None:
    """Sends a mail to one address soon, when the caller's transaction has ended; retried for about an hour."""
    place = f"mail.{get_random_string(16)}"
    sealed = settings.KEY_RING.encrypt(json.dumps({"to": to, "subject": subject, "text": text}), place)
    # Each has its own lock: one that the server does not take holds up no other.
    jobs.enqueue(KIND, place, {"sealed": sealed.hex(), "place": place}, lock=place, priority=jobs.Priority.PERSON)


@jobs.handler(KIND, attempts=9, quick=True)
def send(context: jobs.Context) -> None:
    """Sends one mail; the server has `EMAIL_TIMEOUT` seconds for each answer."""
    mail = json.loads(settings.KEY_RING.decrypt(bytes.fromhex(context.payload["sealed"]), context.payload["place"]))
    send_mail(mail["subject"], mail["text"], None, [mail["to"]])
