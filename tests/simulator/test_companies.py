"""Companies: list, the scroll, upsert, visibility (OpenAPI 2.16, Companies)."""

from __future__ import annotations

import pytest

from startdeliver.simulator import Workspace
from startdeliver.simulator.model.records import Company
from startdeliver.simulator.testing import Handle

from .conftest import NOW, Caller


def visible(workspace: Workspace, count: int, **fields: int) -> list[Company]:
    """Add companies that one contact keeps visible."""
    made = [workspace.add_company(f"C{n}", f"c{n}", last_request_at=n, **fields) for n in range(count)]
    for chunk in range(0, count, 1000):
        workspace.add_contact(f"Keeper {chunk}", companies=made[chunk : chunk + 1000])
    return made


class TestShape:
    def test_unset_fields_are_absent_and_the_plan_is_empty(self, workspace: Workspace, call: Caller) -> None:
        company = workspace.add_company("Acme", "cus-1")
        shown = call.get(f"/companies/{company.id}").json
        assert (shown["type"], shown["app_id"], shown["plan"], shown["monthly_spend"]) == ("company", "sim1work", {}, 0)
        assert not {"size", "website", "industry", "last_request_at"} & set(shown)

    def test_a_plan_has_a_name(self, call: Caller) -> None:
        shown = call.post("/companies", {"company_id": "cus-1", "name": "Acme", "plan": "Pro", "size": 5}).json
        assert (shown["plan"]["type"], shown["plan"]["name"], shown["size"]) == ("plan", "Pro", 5)


class TestFinding:
    def test_by_company_id_name_or_tag(self, workspace: Workspace, call: Caller) -> None:
        company = workspace.add_company("Acme Ltd", "cus-1")
        workspace.tag_company(company.id, "vip")
        assert call.get("/companies?company_id=cus-1").json["id"] == company.id
        assert call.get("/companies?name=Acme%20Ltd").json["id"] == company.id
        listed = call.get(f"/companies?tag_id={workspace.add_tag('vip').id}").json
        assert [c["id"] for c in listed["data"]] == [company.id]
        assert (call.get("/companies?company_id=x").status, call.get("/companies/x").code) == (404, "company_not_found")

    def test_without_a_filter_it_is_400(self, call: Caller) -> None:
        assert call.get("/companies").status == 400

    def test_the_contacts_of_a_company(self, workspace: Workspace, call: Caller) -> None:
        company = workspace.add_company("Acme")
        people = [workspace.add_contact(f"P{n}", companies=[company]) for n in range(3)]
        workspace.archive_contact(people[0].id)
        listed = call.get(f"/companies/{company.id}/contacts").json
        assert ([c["name"] for c in listed["data"]], listed["total_count"]) == (["P1", "P2"], 2)


class TestVisibility:
    def test_companies_without_contacts_are_in_neither_list_nor_scroll(
        self, workspace: Workspace, call: Caller
    ) -> None:
        visible(workspace, 1)
        lonely = workspace.add_company("Lonely", "lonely")
        left = workspace.add_company("Left")
        gone = workspace.add_contact("Gone", companies=[left])
        workspace.archive_contact(gone.id)
        assert [c["name"] for c in call.post("/companies/list").json["data"]] == ["C0"]
        assert [c["name"] for c in call.get("/companies/scroll").json["data"]] == ["C0"]
        assert call.get(f"/companies/{lonely.id}").status == 200
        assert call.get("/companies?company_id=lonely").status == 200


class TestList:
    def test_newest_request_first_fifteen_a_page_and_next_is_an_address_to_post_to(
        self, workspace: Workspace, call: Caller
    ) -> None:
        visible(workspace, 20)
        first = call.post("/companies/list").json
        assert [c["name"] for c in first["data"]] == [f"C{n}" for n in range(19, 4, -1)]
        address = first["pages"]["next"]
        assert address.startswith(call.handle.url)
        path = address.removeprefix(call.handle.url)
        assert call.get(path).status == 404
        second = call.post(path).json
        assert [c["name"] for c in second["data"]] == ["C4", "C3", "C2", "C1", "C0"]
        assert (second["pages"]["next"], second["total_count"]) == (None, 20)

    def test_ascending(self, workspace: Workspace, call: Caller) -> None:
        visible(workspace, 3)
        assert [c["name"] for c in call.post("/companies/list?order=asc").json["data"]] == ["C0", "C1", "C2"]

    def test_the_order_moves_while_paging(self, workspace: Workspace, call: Caller) -> None:
        made = visible(workspace, 4)
        first = call.post("/companies/list?per_page=2").json
        workspace.set_company(made[0].id, last_request_at=100)
        second = call.post("/companies/list?per_page=2&page=2").json
        seen = [c["name"] for c in first["data"] + second["data"]]
        assert seen == ["C3", "C2", "C2", "C1"]

    def test_sixty_a_page_at_most(self, call: Caller) -> None:
        assert call.post("/companies/list?per_page=60").status == 200
        assert call.post("/companies/list?per_page=61").status == 400

    def test_ten_thousand_at_most(self, call: Caller) -> None:
        assert call.post("/companies/list?per_page=50&page=200").status == 200
        reply = call.post("/companies/list?per_page=50&page=201")
        assert reply.status == 400
        assert "page limit reached, please use scroll API" in reply.json["errors"][0]["message"]


class TestScroll:
    def test_a_hundred_a_page_then_an_empty_one_then_404(self, workspace: Workspace, call: Caller) -> None:
        visible(workspace, 150)
        first = call.get("/companies/scroll").json
        assert (len(first["data"]), first["pages"]) == (100, None)
        path = f"/companies/scroll?scroll_param={first['scroll_param']}"
        assert len(call.get(path).json["data"]) == 50
        assert call.get(path).json["data"] == []
        assert call.get(path).status == 404
        assert call.get("/companies/scroll").status == 200

    def test_one_at_a_time(self, workspace: Workspace, call: Caller) -> None:
        visible(workspace, 1)
        call.get("/companies/scroll")
        reply = call.get("/companies/scroll")
        assert (reply.status, reply.code) == (400, "scroll_exists")

    def test_dies_after_a_minute_of_silence(self, sim: Handle, workspace: Workspace, call: Caller) -> None:
        visible(workspace, 250)
        path = f"/companies/scroll?scroll_param={call.get('/companies/scroll').json['scroll_param']}"
        sim.clock.advance(59)
        assert call.get(path).status == 200
        sim.clock.advance(61)
        assert call.get(path).status == 404
        assert call.get("/companies/scroll").status == 200

    def test_the_internal_error_ends_it(self, sim: Handle, workspace: Workspace, call: Caller) -> None:
        visible(workspace, 150)
        path = f"/companies/scroll?scroll_param={call.get('/companies/scroll').json['scroll_param']}"
        sim.faults.fail_next("scroll_restart", "/companies/scroll")
        reply = call.get(path)
        assert reply.status == 500
        assert "Please restart the scroll operation" in reply.json["errors"][0]["message"]
        assert call.get(path).status == 404
        assert call.get("/companies/scroll").status == 200

    def test_a_company_deleted_meanwhile_is_skipped(self, workspace: Workspace, call: Caller) -> None:
        made = visible(workspace, 101)
        first = call.get("/companies/scroll").json
        workspace.delete_company(made[100].id)
        assert call.get(f"/companies/scroll?scroll_param={first['scroll_param']}").json["data"] == []


class TestWriting:
    def test_post_creates_then_updates_by_company_id(self, sim: Handle, workspace: Workspace, call: Caller) -> None:
        created = call.post("/companies", {"company_id": "cus-1", "name": "Acme", "monthly_spend": 12.9}).json
        sim.clock.advance(5)
        updated = call.post("/companies", {"company_id": "cus-1", "name": "Acme Ltd"}).json
        assert updated["id"] == created["id"]
        assert (updated["name"], updated["monthly_spend"], updated["updated_at"]) == ("Acme Ltd", 12, NOW + 5)
        assert len(workspace.companies) == 1

    def test_put_goes_by_intercoms_id_and_cannot_change_company_id(self, workspace: Workspace, call: Caller) -> None:
        company = workspace.add_company("Acme", "cus-1")
        assert call.put("/companies/cus-1", {"name": "x"}).status == 404
        reply = call.put(f"/companies/{company.id}", {"company_id": "cus-2"})
        assert (reply.status, reply.json["errors"][0]["message"]) == (400, "bad 'company_id' parameter")
        assert (
            call.put(f"/companies/{company.id}", {"website": "https://a.example"}).json["website"]
            == "https://a.example"
        )

    def test_an_unknown_parameter_is_named(self, call: Caller) -> None:
        reply = call.post("/companies", {"test": "invalid"})
        assert (reply.status, reply.code) == (400, "bad_request")
        assert reply.json["errors"][0]["message"] == "bad 'test' parameter"

    @pytest.mark.parametrize("spend", [2**31, "12", True])
    def test_monthly_spend_has_limits(self, call: Caller, spend: object) -> None:
        assert call.post("/companies", {"company_id": "c", "monthly_spend": spend}).status == 400

    def test_custom_attributes_must_exist(self, workspace: Workspace, call: Caller) -> None:
        company = workspace.add_company("Acme")
        path = f"/companies/{company.id}"
        assert call.put(path, {"custom_attributes": {"health": "Good"}}).status == 400
        workspace.define_attribute("company", "health")
        assert call.put(path, {"custom_attributes": {"health": "Good"}}).json["custom_attributes"] == {"health": "Good"}
        assert call.put(path, {"custom_attributes": {"health": ""}}).json["custom_attributes"] == {"health": None}

    def test_a_deleted_company_is_gone(self, workspace: Workspace, call: Caller) -> None:
        company = visible(workspace, 1)[0]
        assert call.delete(f"/companies/{company.id}").json["deleted"] is True
        assert call.get(f"/companies/{company.id}").status == 404
        assert call.post("/companies/list").json["total_count"] == 0
