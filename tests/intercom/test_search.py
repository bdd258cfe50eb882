import pytest

from startdeliver.intercom import search


def test_groups_and_their_limits():
    one = search.where("open", "=", True)
    assert search.all_of(one) == one
    assert search.any_of(one, one) == {"operator": "OR", "value": [one, one]}
    two_levels = search.all_of(search.any_of(one, one), one)
    assert two_levels["operator"] == "AND"
    with pytest.raises(ValueError, match="two levels"):
        search.any_of(two_levels, one)
    with pytest.raises(ValueError, match="15"):
        search.all_of(*[one] * 16)
    with pytest.raises(ValueError, match="at least one"):
        search.all_of()


def test_milliseconds_are_refused():
    with pytest.raises(ValueError, match="milliseconds"):
        search.where("updated_at", ">", 1_663_597_260_000)
    with pytest.raises(ValueError, match="milliseconds"):
        search.conversations_changed(1_663_597_260_000)


@pytest.mark.parametrize("strict", [True, False])
def test_both_ends_of_a_change_window_are_included(strict):
    """Whether Intercom's > and < include the bound or not, and nothing further than a second outside comes along."""

    def matches(filters, moment):
        for item in filters["value"]:
            bound = item["value"]
            above = moment > bound if strict else moment >= bound
            below = moment < bound if strict else moment <= bound
            if not (above if item["operator"] == ">" else below):
                return False
        return True

    query = search.conversations_changed(1000, 2000)
    inside = [moment for moment in range(900, 2100) if matches(query, moment)]
    assert set(range(1000, 2001)) <= set(inside) <= set(range(999, 2002))


def test_everything_up_to_a_bound():
    assert search.conversations_changed(None, 2000)["value"][0] == search.where("updated_at", ">", 0)


def test_only_long_sort_orders():
    for wrong in ("asc", "desc", "", None):
        with pytest.raises(ValueError, match="ascending"):
            search.body(search.where("open", "=", True), per_page=5, sort={"field": "updated_at", "order": wrong})


def test_no_null_cursor_is_sent():
    body = search.body(search.where("open", "=", True), per_page=5)
    assert body["pagination"] == {"per_page": 5}
    assert "sort" not in body
