"""workflow and enrolment through the API, as the published client calls it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from startdeliver.customers.models import Customer
from startdeliver.tenancy.models import Member, Organization
from startdeliver.workflows import passes
from startdeliver.workflows.models import Workflow
from tests.api.jsclient import ApiFailed, Js

POOR = [[{"fact": "support_health", "op": "is", "value": "poor"}]]


def refused(call: Callable[[], Any]) -> tuple[int, str | None, str]:
    with pytest.raises(ApiFailed) as failed:
        call()
    return failed.value.status, failed.value.error.get("field"), failed.value.error["message"]


def test_a_workflow_is_made_read_changed_and_archived(js: Js, scoped: Organization) -> None:
    made = js.save("workflow", {"name": "Win-back", "enrolRule": POOR, "leaveAfterDays": 3})
    assert (made["key"], made["enrolRule"], made["leaves"], made["enrolledCount"]) == ("win_back", POOR, "no_longer", 0)
    # The client sends the whole object back.
    saved = js.save("workflow", {**made, "description": "Ask them to come back."})
    assert saved["description"] == "Ask them to come back."
    assert js.find("workflow", {"filter": {"key": "win_back"}})["result"] == [saved]
    js.call("DELETE", f"workflow/{made['id']}")
    assert js.find("workflow")["result"] == []
    assert js.get("workflow", made["id"])["archived"] is True


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({"name": ""}, "name", "must not be empty"),
        ({"name": "X", "key": "Not A Key"}, "key", "small letters"),
        ({"name": "X", "enrolRule": [{"fact": "arr"}]}, "enrolRule", "list of groups"),
        ({"name": "X", "enrolRule": [[{"fact": "nothing", "op": "is"}]]}, "enrolRule", "Choose what to look at"),
        ({"name": "X", "enrolRule": [["arr"]]}, "enrolRule", "object with fact"),
        ({"name": "X", "enrolRule": [[{"fact": "arr", "op": "contains", "value": 1}]]}, "enrolRule", "compared with"),
        ({"name": "X", "enrolRule": [[{"fact": "arr", "op": "is", "value": {}}]]}, "enrolRule", "number"),
        ({"name": "X", "enrolRule": [[{"fact": "arr", "op": "is", "value": True}]]}, "enrolRule", "number"),
        ({"name": "X", "enrolRule": [[{"fact": "renewal_date", "op": "next_days", "value": -1}]]}, "enrolRule", "days"),
        ({"name": "X", "leaves": "rule"}, "leaveRule", "Add a condition"),
        ({"name": "X", "leaveAfterDays": 366}, "leaveAfterDays", "between"),
    ],
)
def test_what_cannot_be_is_refused_by_field(
    js: Js, scoped: Organization, body: dict[str, Any], field: str, words: str
) -> None:
    status, named, sentence = refused(lambda: js.save("workflow", body))
    assert (status, named) == (400, field)
    assert words in sentence
    assert not Workflow.objects.exists()


def test_a_key_is_unique_and_fixed(js: Js, scoped: Organization) -> None:
    made = js.save("workflow", {"name": "One", "key": "same"})
    assert refused(lambda: js.save("workflow", {"name": "Two", "key": "same"}))[:2] == (409, "key")
    assert refused(lambda: js.save("workflow", {"id": made["id"], "key": "other"}))[:2] == (400, "key")


def test_enrolling_and_removing(js: Js, scoped: Organization) -> None:
    acorn = Customer.objects.create(organization=scoped, name="Acorn")
    workflow = js.save("workflow", {"name": "Onboarding"})
    wanted = {"workflowId": workflow["id"], "customerId": acorn.pk, "reason": "Signed yesterday"}
    stay = js.save("enrolment", wanted)
    assert (stay["active"], stay["enteredHow"], stay["reason"]) == (True, "api", "Signed yesterday")
    assert js.save("enrolment", wanted)["id"] == stay["id"]
    assert js.get("workflow", workflow["id"])["enrolledCount"] == 1
    assert js.find("enrolment", {"filter": {"customerId": acorn.pk}})["result"] == [stay]
    assert js.get("customer", acorn.pk)["workflowIds"] == [workflow["id"]]
    (found,) = js.find("customer", {"filter": {"workflowIds": workflow["id"]}})["result"]
    assert found["id"] == acorn.pk
    assert js.find("customer", {"filter": {"workflowIds": workflow["id"] + 1}})["result"] == []
    assert refused(lambda: js.save("enrolment", {"id": stay["id"], "reason": "Other"}))[0] == 400

    ended = js.call("DELETE", f"enrolment/{stay['id']}")
    assert (ended["active"], ended["leftHow"]) == (False, "api")
    assert js.call("DELETE", f"enrolment/{stay['id']}") == ended
    assert js.find("enrolment")["result"] == []
    assert js.find("enrolment", {"filter": {"active": False}})["result"] == [ended]


def test_an_archived_customer_or_workflow_takes_nobody(js: Js, scoped: Organization) -> None:
    acorn = Customer.objects.create(organization=scoped, name="Acorn")
    workflow = js.save("workflow", {"name": "Onboarding"})
    js.call("DELETE", f"workflow/{workflow['id']}")
    body = {"workflowId": workflow["id"], "customerId": acorn.pk}
    assert refused(lambda: js.save("enrolment", body))[:2] == (400, "workflowId")
    js.call("DELETE", f"customer/{acorn.pk}")
    assert refused(lambda: js.save("enrolment", body))[:2] == (400, "customerId")


def test_members_enrol_and_administrators_define(
    js: Js, scoped: Organization, csm: Member, lite: Member, make_key: Callable[..., str]
) -> None:
    acorn = Customer.objects.create(organization=scoped, name="Acorn")
    workflow = js.save("workflow", {"name": "Onboarding"})
    body = {"workflowId": workflow["id"], "customerId": acorn.pk}
    main, reader = Js(make_key(scoped, member=csm)), Js(make_key(scoped, member=lite))
    assert refused(lambda: main.save("workflow", {"name": "Mine"}))[0] == 403
    assert refused(lambda: main.call("DELETE", f"workflow/{workflow['id']}"))[0] == 403
    assert refused(lambda: reader.save("enrolment", body))[0] == 403
    assert main.save("enrolment", body)["active"] is True


def test_the_rule_of_a_program_is_applied(js: Js, scoped: Organization) -> None:
    Customer.objects.create(organization=scoped, name="Acorn", arr=50_000)
    rule = [[{"fact": "arr", "op": "at_least", "value": 40000}]]
    workflow = js.save("workflow", {"name": "Large", "enrolRule": rule})
    passes.refresh(scoped)
    (stay,) = js.find("enrolment", {"filter": {"workflowKey": "large"}})["result"]
    assert (stay["enteredHow"], stay["enteredBy"]) == ("rule", "")
    assert stay["reason"] == "ARR is 50,000 EUR (at least 40,000 EUR)."
    assert js.get("workflow", workflow["id"])["enrolledCount"] == 1
