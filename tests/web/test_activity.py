"""The Activity tab: what is in it, in which order and days, how it is narrowed and paged."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.test import Client

from startdeliver.assessment.models import Assessment
from startdeliver.common import clock
from startdeliver.customers import services
from startdeliver.customers.fields import field_create
from startdeliver.customers.models import Customer
from startdeliver.support.models import SupportHealth, SupportSnapshot
from startdeliver.sync.models import PushLog
from startdeliver.tenancy.models import Member
from startdeliver.tenancy.scope import organization_scope
from startdeliver.usage.models import HealthChange
from tests.web.conftest import Hub

pytestmark = pytest.mark.django_db
SWAP = {"HX-Request": "true", "HX-Target": "tab"}


def entries(client: Client, customer: Customer, more: str = "") -> list[str]:
    """The entries as text, the newest first."""
    page = client.get(f"/customers/{customer.pk}?tab=activity{more}", headers=SWAP).content.decode()
    found = re.findall(r'<li class="activity-entry">(.*?)\n  </li>', page, re.S)
    return [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", one)).strip() for one in found]


def change(hub: Hub, customer: Customer, hours: float, **values: object) -> None:
    with clock.frozen(hub.now - timedelta(hours=hours)), organization_scope(hub.organization):
        services.customer_update(customer=customer, by="ada@acme.test", values=values)


@pytest.fixture
def acorn(hub: Hub) -> Customer:
    return hub.customer("Acorn", created_at=hub.now - timedelta(days=90), plan="Basic")


def test_fields_are_shown_with_what_was_there(main: Client, hub: Hub, acorn: Customer, csm: Member) -> None:
    with organization_scope(hub.organization):
        seats = field_create(organization=hub.organization, by="ada", entity="customer", name="Seats", type="number")
        secret = field_create(
            organization=hub.organization, by="ada", entity="customer", name="Secret", type="text", visibility="hidden"
        )
    change(hub, acorn, 2, plan="Pro", arr="1200.50", csm=csm, renewal_date=date(2026, 12, 1), **{seats.alias: 5})
    change(hub, acorn, 1, **{secret.alias: "Sesame"})
    found = entries(main, acorn, "&kind=fields")
    assert len(found) == 2
    assert found[0].startswith("10:00 5 fields changed By ada@acme.test")
    for words in (
        f"CSM: {csm.display_name}",
        "ARR: €1,200.50",
        "Renewal date: 1 Dec 2026",
        "Plan: was Basic → became Pro",
        "Seats: 5",
    ):
        assert words in found[0], words
    assert found[1].endswith("Added as a customer")
    assert "Sesame" not in " ".join(found)


@pytest.mark.parametrize(
    ("source", "by", "words"),
    [
        ("intercom", "Intercom", "From Intercom"),
        ("csv", "ada@acme.test", "From a CSV file by ada@acme.test"),
        ("api", "Nightly key", "Through the API by Nightly key"),
        ("member", "ada@acme.test", "By ada@acme.test"),
    ],
)
def test_a_change_says_who_or_what_made_it(
    main: Client, hub: Hub, acorn: Customer, source: str, by: str, words: str
) -> None:
    with organization_scope(hub.organization):
        services.customer_update(customer=acorn, by=by, source=source, values={"plan": "Pro"})
    assert entries(main, acorn, "&kind=fields")[0] == f"12:00 Plan changed {words} Plan: was Basic → became Pro"


def test_health_shows_before_and_after(main: Client, hub: Hub, acorn: Customer) -> None:
    organization = hub.organization
    with organization_scope(organization):
        HealthChange.objects.create(
            organization=organization,
            customer=acorn,
            at=hub.now - timedelta(hours=3),
            status="fair",
            previous_status="good",
        )
        for days, status in ((9, "good"), (8, "good"), (7, "poor"), (0, "fair")):
            SupportSnapshot.objects.create(
                organization=organization, customer=acorn, day=(hub.now - timedelta(days=days)).date(), status=status
            )
        SupportHealth.objects.create(
            organization=organization,
            customer=acorn,
            status="fair",
            previous_status="poor",
            changed_at=hub.now - timedelta(hours=1),
        )
        for hours, status in ((50, "neutral"), (40, "neutral"), (5, "risk")):
            Assessment.objects.create(
                organization=organization,
                customer=acorn,
                status=status,
                created_at=hub.now - timedelta(hours=hours),
                evidence_hash="x",
            )
    found = entries(main, acorn, "&kind=health")
    assert found[:3] == [
        "11:00 Support health Poor → became Fair",
        "09:00 Usage health Good → became Fair",
        "07:00 Assessment was Neutral → became At Risk",
    ]
    # By its snapshots only the day is known.
    assert found[3:] == [
        "10:00 Assessment Neutral",
        "Support health Good → became Poor",
        "Support health No data → became Good",
    ]


def test_health_leads_to_its_tab_and_not_above_it(main: Client, hub: Hub, acorn: Customer) -> None:
    of = {"organization": hub.organization, "customer": acorn}
    with organization_scope(hub.organization):
        HealthChange.objects.create(**of, at=hub.now, status="fair", previous_status="good")
    page = main.get(f"/customers/{acorn.pk}?tab=activity").content.decode()
    links = re.findall(rf'<p><a href="(/customers/{acorn.pk}[?]tab=[^"]*)"', page)
    assert links
    assert all(link.endswith("#tab") for link in links)
    assert 'id="tab"' in page


def test_users_who_come_and_go(main: Client, hub: Hub, acorn: Customer) -> None:
    birch = hub.customer("Birch")
    for number in range(5):
        hub.user(acorn, name=f"Old {number}", created_at=hub.now - timedelta(days=80))
    mover = hub.user(birch, name="Mia", created_at=hub.now - timedelta(days=70))
    many = [hub.user(birch, name=f"M{number}", created_at=hub.now - timedelta(days=70)) for number in range(4)]
    with organization_scope(hub.organization):
        with clock.frozen(hub.now - timedelta(hours=4)):
            services.user_move(users=[mover.pk], customer=acorn, by="ada")
        with clock.frozen(hub.now - timedelta(hours=3)):
            services.user_move(users=[user.pk for user in many], customer=acorn, by="ada")
        with clock.frozen(hub.now - timedelta(hours=2)):
            services.user_update(user=mover, by="ada", values={"has_left_at": True})
    assert entries(main, acorn, "&kind=people") == [
        "10:00 Mia has left By ada",
        "09:00 4 users came from another customer By ada",
        "08:00 Mia came from Birch By ada",
        "12:00 5 users were added: Old 0, Old 4 and 3 more",
    ]
    assert entries(main, birch, "&kind=people")[:2] == [
        "09:00 4 users went to another customer By ada",
        "08:00 Mia went to Acorn By ada",
    ]


def test_what_was_sent_to_intercom(main: Client, hub: Hub, acorn: Customer) -> None:
    with organization_scope(hub.organization):
        for outcome, sentence in (("written", ""), ("failed", "Intercom refused the value.")):
            PushLog.objects.create(
                organization=hub.organization,
                model="company",
                record=acorn.pk,
                before={"startdeliver_usage_health": "Good"},
                after={"startdeliver_usage_health": "Poor", "startdeliver_last_login_at": 1793635355},
                outcome=outcome,
                sentence=sentence,
                at=hub.now - timedelta(minutes=5 if sentence else 1),
            )
    sent, refused = entries(main, acorn, "&kind=intercom")
    assert sent == (
        "11:59 Sent to Intercom startdeliver_last_login_at: 2 Nov 2026, 16:02 UTC "
        "startdeliver_usage_health: was Good → became Poor"
    )
    assert refused.startswith("11:55 Intercom did not take a change Intercom refused the value.")


def test_pages_cover_everything_once_and_never_tear_a_moment(main: Client, hub: Hub, acorn: Customer) -> None:
    for number in range(70):
        # Two of each moment.
        change(hub, acorn, 1 + number // 2, plan=f"Plan {number}")
    seen: list[str] = []
    more = ""
    for _ in range(6):
        address = f"/customers/{acorn.pk}?tab=activity&kind=fields{more}"
        page = main.get(address, headers=SWAP).content.decode()
        seen += re.findall(r"<span>(Plan \d+)</span></li>", page)
        older = re.search(r'hx-get="[^"]*before=([^"&]+)"[^>]*>Older', page)
        if older is None:
            break
        more = f"&before={older[1]}"
    assert seen == [f"Plan {number}" for number in sorted(range(70), key=lambda n: (n // 2, -n))]
    assert (
        "Nothing before that"
        in main.get(f"/customers/{acorn.pk}?tab=activity&before=2001-01-01T00:00:00Z").content.decode()
    )


def test_days_are_the_members_own(main: Client, hub: Hub, acorn: Customer, csm: Member) -> None:
    change(hub, acorn, 13, plan="Late")
    page = main.get(f"/customers/{acorn.pk}?tab=activity", headers=SWAP).content.decode()
    assert "Yesterday, 1 Nov 2026" in page
    assert ">23:00</time>" in page
    csm.time_zone = "Europe/Berlin"
    csm.save()
    page = main.get(f"/customers/{acorn.pk}?tab=activity", headers=SWAP).content.decode()
    assert "Today, 2 Nov 2026" in page
    assert ">00:00</time>" in page


@pytest.mark.parametrize("before", ["", "soon", "2026-13-01", "2026-11-02T12:00:00", "9" * 60])
def test_an_address_that_makes_no_sense_shows_the_newest(main: Client, hub: Hub, acorn: Customer, before: str) -> None:
    assert entries(main, acorn, f"&kind=nonsense&before={before}") == ["12:00 Added as a customer"]


def test_a_customer_without_history_says_what_will_be_here(main: Client, hub: Hub) -> None:
    customer = hub.customer("New")
    page = main.get(f"/customers/{customer.pk}?tab=activity&kind=intercom", headers=SWAP).content.decode()
    assert "Nothing was sent" in page
    assert "No change of health yet" in main.get(f"/customers/{customer.pk}?tab=activity&kind=health").content.decode()


def test_what_people_wrote_is_shown_as_text(main: Client, hub: Hub, acorn: Customer) -> None:
    nasty = "<script>alert(1)</script>"
    change(hub, acorn, 1, plan=nasty, name=nasty)
    hub.user(acorn, name=nasty)
    page = main.get(f"/customers/{acorn.pk}?tab=activity").content.decode()
    assert nasty not in page
    assert "&lt;script&gt;" in page


def test_queries_do_not_grow_with_the_history(
    main: Client, hub: Hub, acorn: Customer, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    for number in range(40):
        change(hub, acorn, 1 + number, plan=f"Plan {number}")
        hub.user(acorn, name=f"U{number}", created_at=hub.now - timedelta(days=number))
    with django_assert_max_num_queries(40):  # type: ignore[attr-defined]
        main.get(f"/customers/{acorn.pk}?tab=activity", headers=SWAP)
