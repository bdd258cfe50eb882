"""The pages of workflows: the list, one workflow, its form, enrolling from everywhere, and who may do what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from startdeliver.customers.models import Customer
from startdeliver.tenancy.models import Member, Organization
from startdeliver.tenancy.scope import organization_scope
from startdeliver.workflows import passes, services
from startdeliver.workflows.models import Enrolment, Leaves, Workflow
from tests.web.conftest import Hub
from tests.workflows.factories import change, make_workflow

POOR = {"enrol-0-fact": "support_health", "enrol-0-op": "is", "enrol-0-value": "poor", "enrol-0-joint": "or"}
FORM = {"name": "Win-back", "description": "Ask them.", "leaves": "no_longer", "leave_after_days": "3", **POOR}


@pytest.fixture
def admin(signed_in: Callable[[Member], Client], administrator: Member) -> Client:
    return signed_in(administrator)


@pytest.fixture
def workflow(hub: Hub) -> Workflow:
    with organization_scope(hub.organization):
        return make_workflow("At-risk")


def inside(workflow: Workflow) -> set[str]:
    with organization_scope(workflow.organization):
        rows = Enrolment.objects.filter(workflow=workflow, left_at__isnull=True)
        return set(rows.values_list("customer__name", flat=True))


def put_in(workflow: Workflow, *customers: Customer, reason: str = "") -> None:
    with organization_scope(workflow.organization):
        services.enrol(workflow=workflow, customers=[one.pk for one in customers], by="ada@acme.test", reason=reason)


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def said(answer: Any) -> str:
    """The message of the page that an answer leads to."""
    page = answer.content.decode()
    return " ".join(page.split('class="notice-text">')[1].split("</p>")[0].split())


def test_everybody_has_it_in_the_menu(signed_in: Callable[[Member], Client], lite: Member) -> None:
    page = text(signed_in(lite).get("/workflows"))
    assert 'href="/workflows" aria-current="page"' in page
    assert "An administrator can make one." in page
    assert "New workflow" not in page


def test_the_list_counts_and_says_the_rule(main: Client, hub: Hub, workflow: Workflow) -> None:
    put_in(workflow, hub.customer("Acorn"), hub.customer("Birch"))
    page = text(main.get("/workflows"))
    assert "Support health is Poor." in page
    assert '<td class="num"><span class="strong">2</span></td> <td class="num">2</td> <td class="num">0</td>' in page


def test_a_workflow_shows_who_is_in_it_why_and_since(main: Client, hub: Hub, workflow: Workflow, csm: Member) -> None:
    acorn = hub.customer("Acorn", csm=csm)
    with organization_scope(hub.organization):
        change(acorn, support="poor", usage="fair", assessed="attention")
        passes.refresh(hub.organization)
    page = text(main.get(f"/workflows/{workflow.pk}"))
    for words in ("Acorn", "Support health is Poor.", "By rule", "Needs Attention", "Fair", csm.display_name):
        assert words in page
    with organization_scope(hub.organization):
        change(acorn, support="good")
        passes.refresh(hub.organization)
    assert "Nobody is in it now" in text(main.get(f"/workflows/{workflow.pk}"))
    history = text(main.get(f"/workflows/{workflow.pk}?tab=history"))
    assert "The rule no longer holds: support health is Good." in history
    assert "Support health is Poor." in history


def test_what_people_write_is_escaped(main: Client, hub: Hub) -> None:
    with organization_scope(hub.organization):
        workflow = make_workflow("<b>Bold</b>", description="<script>x</script>", enrol_rule=[])
    acorn = hub.customer("<i>Acorn</i>")
    put_in(workflow, acorn, reason="<u>why</u>")
    addresses = ["/workflows", f"/workflows/{workflow.pk}", f"/workflows/{workflow.pk}?tab=history"]
    addresses += [f"/customers/{acorn.pk}?tab=workflows", "/customers?columns=workflows", "/workflows/bulk"]
    for address in addresses:
        page = main.get(address).content.decode()
        assert "<b>Bold" not in page
        assert "<script>x" not in page
        assert "<i>Acorn" not in page
        assert "<u>why" not in page


class TestForm:
    def test_making_one(self, admin: Client, organization: Organization) -> None:
        answer = admin.post("/workflows/new", {**FORM, "do": "save"}, follow=True)
        assert said(answer) == "Win-back was saved. Its rules are applied within a minute."
        with organization_scope(organization):
            made = Workflow.objects.get()
        assert made.enrol_rule == [[{"fact": "support_health", "op": "is", "value": "poor"}]]
        assert (made.leave_after_days, made.updated_by) == (3, "administrator@acme.test")

    def test_or_begins_a_group_and_blank_rows_are_passed_over(self, admin: Client, organization: Organization) -> None:
        more = {
            "enrol-1-joint": "and",
            "enrol-1-fact": "usage_health",
            "enrol-1-op": "empty",
            "enrol-2-joint": "or",
            "enrol-2-fact": "",
            "enrol-3-joint": "or",
            "enrol-3-fact": "arr",
            "enrol-3-op": "at_least",
            "enrol-3-value": "40,000",
        }
        admin.post("/workflows/new", {**FORM, **more})
        with organization_scope(organization):
            (both, large) = Workflow.objects.get().enrol_rule
        assert [one["fact"] for one in both] == ["support_health", "usage_health"]
        assert large == [{"fact": "arr", "op": "at_least", "value": 40000}]

    def test_a_stored_rule_comes_back_as_it_is(self, admin: Client, organization: Organization) -> None:
        admin.post(
            "/workflows/new", {**FORM, "enrol-1-fact": "created", "enrol-1-op": "last_days", "enrol-1-value": "30"}
        )
        with organization_scope(organization):
            before = Workflow.objects.values("pk", "enrol_rule", "swept_at").get()
        page = text(admin.get(f"/workflows/{before['pk']}/edit"))
        assert '<option value="support_health" selected>' in page
        assert 'value="30" inputmode="numeric"' in page

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            ({"name": ""}, "Enter a name"),
            ({"enrol-0-value": ""}, "Choose a value for"),
            ({"leave_after_days": "soon"}, "0 to 365"),
            ({"leaves": "rule"}, "Add a condition for leaving"),
        ],
    )
    def test_what_cannot_be_is_said_and_kept(
        self, admin: Client, organization: Organization, wrong: dict[str, str], words: str
    ) -> None:
        answer = admin.post("/workflows/new", {**FORM, "description": "Long text", **wrong})
        assert answer.status_code == 422
        assert words in text(answer)
        assert "Long text" in text(answer)
        with organization_scope(organization):
            assert not Workflow.objects.exists()

    def test_rows_are_added_taken_away_and_given_their_comparisons_without_a_script(self, admin: Client) -> None:
        page = text(admin.post("/workflows/new", {**FORM, "name": "", "do": "add-enrol"}))
        assert 'name="enrol-1-fact"' in page
        assert "Enter a name" not in page
        page = text(admin.post("/workflows/new", {**FORM, "do": "drop-enrol-0"}))
        assert 'value="support_health" selected' not in page
        page = text(admin.post("/workflows/new", {**FORM, "enrol-0-fact": "renewal_date", "do": "show"}))
        assert '<option value="next_days" selected>' in page
        assert 'aria-label="Days"' in page
        page = text(admin.post("/workflows/new", {**FORM, "leaves": "rule", "do": "show"}))
        assert 'name="leave-0-fact"' in page

    def test_how_many_fit(self, admin: Client, hub: Hub) -> None:
        for number in range(3):
            with organization_scope(hub.organization):
                change(hub.customer(f"C{number}"), support="poor" if number else "good")
        page = text(admin.post("/workflows/new", {**FORM, "do": "count"}))
        assert '<strong class="num">2 customers</strong> fit now.' in page
        page = text(admin.post("/workflows/new", {**FORM, "enrol-0-value": "", "do": "count"}))
        assert "Choose a value for" in page
        assert "fit now." not in page

    def test_a_rule_for_leaving_that_is_put_away_is_kept(self, admin: Client, organization: Organization) -> None:
        leave = {"leave-0-fact": "arr", "leave-0-op": "empty", "leave-0-joint": "or"}
        admin.post("/workflows/new", {**FORM, **leave, "leaves": "rule"})
        with organization_scope(organization):
            pk = Workflow.objects.get().pk
            admin.post(f"/workflows/{pk}/edit", {**FORM, "leaves": "by_hand"})
            stored = Workflow.objects.get()
        assert stored.leaves == Leaves.BY_HAND
        assert stored.leave_rule == [[{"fact": "arr", "op": "empty"}]]

    def test_only_for_administrators(self, main: Client, workflow: Workflow) -> None:
        for address in ("/workflows/new", f"/workflows/{workflow.pk}/edit"):
            assert main.get(address).status_code == 403
            assert main.post(address, FORM).status_code == 403
        assert main.post(f"/workflows/{workflow.pk}/archive").status_code == 403


def test_archiving_and_restoring(admin: Client, hub: Hub, workflow: Workflow) -> None:
    put_in(workflow, hub.customer("Acorn"))
    answer = admin.post(f"/workflows/{workflow.pk}/archive", follow=True)
    assert said(answer) == "At-risk is archived. 1 customer left it."
    assert "1 archived workflow" in text(answer)
    assert admin.get(f"/workflows/{workflow.pk}/edit").status_code == 404
    assert "Nobody is in an archived workflow" in text(admin.get(f"/workflows/{workflow.pk}"))
    answer = admin.post(f"/workflows/{workflow.pk}/restore", follow=True)
    assert "At-risk is back" in said(answer)


class TestEnrolling:
    def test_several_from_the_list_with_a_question_first(self, main: Client, hub: Hub, workflow: Workflow) -> None:
        acorn, birch = hub.customer("Acorn"), hub.customer("Birch")
        hub.customer("Cedar")
        asked = main.post("/workflows/bulk", {"pick": [acorn.pk, birch.pk], "next": "/customers?health=none"})
        assert "Enrol or remove 2 customers" in text(asked)
        assert "Acorn" in text(asked)
        assert inside(workflow) == set()
        given = {"pick": [acorn.pk, birch.pk], "workflow": workflow.pk, "next": "/customers?health=none"}
        answer = main.post("/workflows/bulk/apply", {**given, "do": "enrol", "reason": "Both complain"})
        assert answer["Location"] == "/customers?health=none"
        assert said(main.get("/customers")) == "2 customers were enrolled in At-risk."
        assert inside(workflow) == {"Acorn", "Birch"}
        # A second click.
        answer = main.post("/workflows/bulk/apply", {**given, "do": "enrol"}, follow=True)
        assert said(answer) == "Nobody new: 2 customers were in At-risk already."
        answer = main.post("/workflows/bulk/apply", {**given, "do": "leave"}, follow=True)
        assert said(answer) == "2 customers are no longer in At-risk."
        assert inside(workflow) == set()

    def test_everybody_on_a_filtered_list(self, main: Client, hub: Hub, workflow: Workflow, csm: Member) -> None:
        for number in range(60):
            hub.customer(f"Mine {number}", csm=csm)
        hub.customer("Not mine")
        page = text(main.get("/customers?csm=me"))
        assert 'href="/workflows/bulk?csm=me"' in page
        asked = text(main.get("/workflows/bulk?csm=me"))
        assert "Enrol or remove 60 customers" in asked
        assert "and 48 others" in asked
        given = {"listed": "1", "query": "csm=me", "workflow": workflow.pk, "do": "enrol"}
        answer = main.post("/workflows/bulk/apply", given, follow=True)
        assert said(answer) == "60 customers were enrolled in At-risk."
        assert len(inside(workflow)) == 60
        assert "Not mine" not in inside(workflow)

    def test_nothing_chosen_changes_nothing(self, main: Client, hub: Hub, workflow: Workflow) -> None:
        acorn = hub.customer("Acorn")
        assert "No customer was selected" in said(main.post("/workflows/bulk", {}, follow=True))
        answer = main.post("/workflows/bulk/apply", {"pick": acorn.pk, "do": "enrol"}, follow=True)
        assert "No workflow was chosen" in said(answer)
        answer = main.post(f"/customers/{acorn.pk}/workflows/enrol", {"workflow": "x"}, follow=True)
        assert "No workflow was chosen" in said(answer)
        assert "No customer was chosen" in said(main.post(f"/workflows/{workflow.pk}/enrol", {}, follow=True))
        assert "No customer was selected" in said(main.post(f"/workflows/{workflow.pk}/leave", {}, follow=True))
        assert inside(workflow) == set()

    def test_it_leads_to_no_foreign_address(self, main: Client, hub: Hub, workflow: Workflow) -> None:
        for target in ("https://evil.test", "//evil.test", "/customers.evil.test", "/settings"):
            given = {"pick": hub.customer().pk, "workflow": workflow.pk, "do": "enrol", "next": target}
            assert main.post("/workflows/bulk/apply", given)["Location"] == "/customers"

    def test_from_the_customers_own_page(self, main: Client, hub: Hub, workflow: Workflow) -> None:
        acorn = hub.customer("Acorn")
        page = text(main.get(f"/customers/{acorn.pk}?tab=workflows"))
        assert "In no workflow now" in page
        given = {"workflow": workflow.pk, "reason": "Sponsor left"}
        answer = main.post(f"/customers/{acorn.pk}/workflows/enrol", given, follow=True)
        assert said(answer) == "Acorn is now in At-risk."
        assert "Sponsor left" in text(answer)
        # The chip in the head, on every tab.
        assert f'<a class="tag tag-accent" href="/workflows/{workflow.pk}">' in text(main.get(f"/customers/{acorn.pk}"))
        answer = main.post(f"/customers/{acorn.pk}/workflows/leave", {**given, "reason": "All well"}, follow=True)
        assert said(answer) == "Acorn is no longer in At-risk."
        assert "All well" in text(answer)
        assert "Earlier" in text(answer)

    def test_from_the_workflows_page(self, main: Client, hub: Hub, workflow: Workflow) -> None:
        acorn = hub.customer("Acorn")
        answer = main.post(f"/workflows/{workflow.pk}/enrol", {"customer": acorn.pk}, follow=True)
        assert said(answer) == "Acorn is now in At-risk."
        answer = main.post(f"/workflows/{workflow.pk}/leave", {"pick": acorn.pk}, follow=True)
        assert said(answer) == "Acorn is no longer in At-risk."

    def test_lite_members_only_look(
        self, signed_in: Callable[[Member], Client], lite: Member, hub: Hub, workflow: Workflow
    ) -> None:
        acorn, client = hub.customer("Acorn"), signed_in(lite)
        put_in(workflow, acorn)
        for address in (f"/workflows/{workflow.pk}", f"/customers/{acorn.pk}?tab=workflows"):
            page = text(client.get(address))
            assert "At-risk" in page
            assert "Enrol" not in page.split('id="main"')[1]
            assert "Remove" not in page.split('id="main"')[1]
        for address in (f"/workflows/{workflow.pk}/leave", "/workflows/bulk/apply"):
            given = {"pick": acorn.pk, "workflow": workflow.pk, "do": "leave"}
            assert client.post(address, given).status_code == 403
        assert inside(workflow) == {"Acorn"}


def test_the_list_filters_by_workflow_and_shows_and_exports_it(main: Client, hub: Hub, workflow: Workflow) -> None:
    put_in(workflow, hub.customer("Acorn"))
    hub.customer("Birch")
    page = text(main.get(f"/customers?workflow={workflow.pk}&columns=workflows"))
    assert "Acorn</a>" in page
    assert "Birch</a>" not in page
    assert "Take away: At-risk workflow" in page
    assert f'<a class="tag tag-accent" href="/workflows/{workflow.pk}">' in page
    assert "Birch</a>" in text(main.get("/customers?workflow=999"))
    rows = b"".join(main.get("/customers/export?columns=workflows").streaming_content).decode()  # type: ignore[attr-defined]
    assert "Acorn,,At-risk" in rows.replace('"', "")


def test_a_rule_whose_field_went_says_so(admin: Client, hub: Hub, workflow: Workflow) -> None:
    with organization_scope(hub.organization):
        rule = [[{"fact": "customfieldGone", "op": "set"}]]
        Workflow.objects.filter(pk=workflow.pk).update(enrol_rule=rule)
    for address in ("/workflows", f"/workflows/{workflow.pk}", f"/workflows/{workflow.pk}?tab=rules"):
        assert "a field that is no longer there" in text(admin.get(address))
    assert "A field that is no longer there" in text(admin.get(f"/workflows/{workflow.pk}/edit"))


def test_another_organizations_workflow_is_not_there(
    signed_in: Callable[[Member], Client], outsider: Member, hub: Hub, other_hub: Hub, workflow: Workflow
) -> None:
    client, theirs = signed_in(outsider), other_hub.customer("Theirs")
    put_in(workflow, hub.customer("Acorn"))
    for address in ("", "/edit"):
        assert client.get(f"/workflows/{workflow.pk}{address}").status_code == 404
    for address in ("enrol", "leave", "archive", "restore"):
        assert client.post(f"/workflows/{workflow.pk}/{address}", {"customer": theirs.pk}).status_code == 404
    given = {"pick": theirs.pk, "workflow": workflow.pk, "do": "enrol"}
    assert "No workflow was chosen" in said(client.post("/workflows/bulk/apply", given, follow=True))
    assert inside(workflow) == {"Acorn"}
