"""Workflows: the list, present and past customers, settings; enrolling and removing, also many customers at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render

from startdeliver.customers import selectors as customers
from startdeliver.customers.models import Customer
from startdeliver.customers.values import FieldError
from startdeliver.support import health
from startdeliver.web import formats
from startdeliver.web.access import is_swap, member_of, organization_of
from startdeliver.web.listing import asked
from startdeliver.web.paging import page_number, paginate
from startdeliver.web.params import back, choice, picked, row_of
from startdeliver.web.templatetags.ui import Tab
from startdeliver.web.workflow_form import RuleForm, WorkflowForm
from startdeliver.workflows import passes, selectors, services
from startdeliver.workflows.cleaning import Broken, facts_of, programme_of, rule_of
from startdeliver.workflows.models import Leaves, Workflow
from startdeliver.workflows.rules import Programme
from startdeliver.workflows.wording import Wording

LIST = "/workflows"
_TABS = ("customers", "history", "rules")
_SHOWN = 12


def workflow_list(request: HttpRequest) -> HttpResponse:
    """All workflows with the number of customers in each."""
    organization = organization_of(request)
    facts = facts_of(organization)
    rows = [(row, *_summary(row.workflow, facts, organization.currency)) for row in selectors.rows()]
    return render(request, "web/workflows/list.html", {"rows": rows, "archived": selectors.rows(archived=True)})


def workflow_page(request: HttpRequest, pk: int) -> HttpResponse:
    """One workflow: customers in it, its history, its rules. The tab is in the address."""
    workflow = get_object_or_404(Workflow, pk=pk)
    organization = organization_of(request)
    tab = choice(request.GET, "tab", _TABS, "customers")
    row = selectors.row(workflow)
    url = f"{LIST}/{pk}"
    context: dict[str, Any] = {
        "workflow": workflow,
        "row": row,
        "tab": tab,
        "tabs": [
            Tab("Customers", url, tab == "customers", row.enrolled),
            Tab("History", f"{url}?tab=history", tab == "history"),
            Tab("Rules", f"{url}?tab=rules", tab == "rules"),
        ],
    }
    facts = facts_of(organization)
    context["rule"], context["leaving"], context["broken"] = _summary(workflow, facts, organization.currency)
    if tab == "customers":
        health.refresh_due(organization)
        enrolled = selectors.enrolled(workflow).select_related(
            "customer__csm", "customer__support_health", "customer__usage_health", "customer__assessment"
        )
        context["page"] = paginate(enrolled, page_number(request), count=row.enrolled)
    elif tab == "history":
        context["page"] = paginate(selectors.history(workflow).select_related("customer"), page_number(request))
    if is_swap(request, "tab"):
        return render(request, "web/workflows/_tab.html", context)
    context |= {
        "archive_title": f"Archive {workflow.name}?",
        "archive_text": "Everybody leaves it now, and its rule enrols nobody any more. The history is kept. "
        "If you restore it, the rule enrols whoever fits then.",
    }
    return render(request, "web/workflows/page.html", context)


def workflow_new(request: HttpRequest) -> HttpResponse:
    """Creates a workflow."""
    return _edit(request, None)


def workflow_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Changes a workflow."""
    return _edit(request, get_object_or_404(Workflow, pk=pk, archived_at__isnull=True))


def workflow_action(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """archive or restore for one workflow."""
    workflow, by = get_object_or_404(Workflow, pk=pk), member_of(request).email
    if action == "archive":
        left = services.workflow_archive(workflow=workflow, by=by)
        messages.success(request, f"{workflow.name} is archived. {formats.plural(left, 'customer')} left it.")
        return redirect(LIST)
    if action != "restore":
        raise Http404("There is no such action.")
    try:
        services.workflow_restore(workflow=workflow, by=by)
    except FieldError as error:
        messages.error(request, str(error))
        return redirect(LIST)
    messages.success(request, f"{workflow.name} is back. Its rule is applied within a minute.")
    return redirect(f"{LIST}/{pk}")


def workflow_enrol(request: HttpRequest, pk: int) -> HttpResponse:
    """Enrols the customer that was chosen on the workflow's page."""
    nobody = "No customer was chosen, so nothing was changed. Search for one and tick it."
    _change(request, "enrol", get_object_or_404(Workflow, pk=pk), picked(request, "customer"), nobody)
    return redirect(f"{LIST}/{pk}")


def workflow_leave(request: HttpRequest, pk: int) -> HttpResponse:
    """Removes the customers that were ticked on the workflow's page."""
    nobody = "No customer was selected, so nothing was changed. Tick one or more first."
    _change(request, "leave", get_object_or_404(Workflow, pk=pk), picked(request), nobody)
    return redirect(f"{LIST}/{pk}")


def customer_workflow(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """enrol or leave for one customer, from its own page."""
    customer = get_object_or_404(Customer, pk=pk)
    if action not in ("enrol", "leave"):
        raise Http404("There is no such action.")
    workflow = row_of(Workflow.objects, request.POST.get("workflow", ""))
    if workflow is None:
        messages.error(request, "No workflow was chosen, so nothing was changed. Choose one beside the button.")
    else:
        _change(request, action, workflow, [customer.pk])
    return redirect(f"/customers/{pk}?tab=workflows")


def bulk(request: HttpRequest) -> HttpResponse:
    """Asks which workflow the customers should enter or leave.

    POST: the ticked customers. GET, with the address of a list: all customers of the list.
    """
    if request.method == "POST":
        ids, query, to = picked(request), "", back(request, "/customers", "/customers")
        if not ids:
            messages.error(request, "No customer was selected, so nothing was changed. Tick one or more first.")
            return redirect(to)
    else:
        now = asked(request.GET, member_of(request))
        ids, query, to = _listed(request.GET, request), request.GET.urlencode(), now.address()
    names = list(Customer.objects.filter(pk__in=ids[:_SHOWN]).order_by("name").values_list("name", flat=True))
    context = {
        "ids": [] if query or request.method == "GET" else ids,
        "query": query,
        "listed": request.method == "GET",
        "back": to,
        "number": len(ids),
        "names": names,
        "rest": len(ids) - len(names),
        "rows": selectors.rows(),
    }
    return render(request, "web/workflows/bulk.html", context)


def bulk_apply(request: HttpRequest) -> HttpResponse:
    """Enrols or removes the customers that `bulk` asked about."""
    workflow = row_of(Workflow.objects, request.POST.get("workflow", ""))
    if request.POST.get("listed"):
        ids = _listed(QueryDict(request.POST.get("query", "")[:8000]), request)
    else:
        ids = picked(request)
    if workflow is None:
        messages.error(request, "No workflow was chosen, so nothing was changed.")
    else:
        action = choice(request.POST, "do", ("enrol", "leave"), "enrol")
        _change(request, action, workflow, ids, "No customer fits any more, so nothing was changed.")
    return redirect(back(request, "/customers", "/customers"))


def attach(rows: Sequence[Any]) -> None:
    """Sets `workflows` for each customer of a list: (id, name) of its present workflows."""
    workflows = selectors.active_names([row.pk for row in rows])
    for row in rows:
        row.workflows = workflows.get(row.pk, [])


def tab_context(request: HttpRequest, customer: Customer) -> dict[str, Any]:
    """Returns the tab of a customer's page: open and ended enrolments, and the workflows it can enter."""
    stays = selectors.of_customer(customer)
    opened = [stay for stay in stays if stay.left_at is None]
    inside = {stay.workflow_id for stay in opened}
    return {
        "opened": opened,
        "ended": [stay for stay in stays if stay.left_at is not None],
        "others": [stay for stay in selectors.live() if stay.pk not in inside],
    }


def _change(request: HttpRequest, action: str, workflow: Workflow, ids: list[int], nobody: str = "") -> None:
    """Enrols or removes these customers and shows a message; without customers it shows `nobody`."""
    if not ids:
        messages.error(request, nobody)
    elif action == "enrol":
        _enrol(request, workflow, ids)
    else:
        _leave(request, workflow, ids)


def _enrol(request: HttpRequest, workflow: Workflow, ids: list[int]) -> None:
    reason = request.POST.get("reason", "")
    try:
        done = services.enrol(workflow=workflow, customers=ids, by=member_of(request).email, reason=reason)
    except FieldError as error:
        messages.error(request, f"Nobody was enrolled. {error}")
        return
    already = formats.plural(done.already, "customer was", "customers were")
    if len(ids) == 1 and done.entered:
        said = f"{_name(ids[0])} is now in {workflow.name}."
    elif len(ids) == 1:
        said = f"{_name(ids[0])} was in {workflow.name} already."
    elif done.entered:
        said = f"{formats.plural(done.entered, 'customer was', 'customers were')} enrolled in {workflow.name}."
        if done.already:
            said += f" {formats.plural(done.already, 'was', 'were')} in it already or are archived."
    else:
        said = f"Nobody new: {already} in {workflow.name} already."
    (messages.success if done.entered else messages.info)(request, said)


def _leave(request: HttpRequest, workflow: Workflow, ids: list[int]) -> None:
    try:
        left = services.leave(
            workflow=workflow, customers=ids, by=member_of(request).email, reason=request.POST.get("reason", "")
        )
    except FieldError as error:
        messages.error(request, f"Nobody was removed. {error}")
        return
    if not left:
        messages.info(request, f"Nobody of them was in {workflow.name}, so nothing was changed.")
        return
    who = _name(ids[0]) if len(ids) == 1 else formats.plural(left, "customer")
    verb = "is" if len(ids) == 1 or left == 1 else "are"
    messages.success(request, f"{who} {verb} no longer in {workflow.name}.")


def _name(pk: int) -> str:
    return Customer.objects.filter(pk=pk).values_list("name", flat=True).first() or "The customer"


def _listed(params: QueryDict, request: HttpRequest) -> list[int]:
    now = asked(params, member_of(request))
    health.refresh_due(organization_of(request))
    return customers.customer_ids(now.filters, "name", now.search)


def _summary(workflow: Workflow, facts: Any, currency: str) -> tuple[str, str, str]:
    """Returns who enters, who leaves, and what is wrong with the rules, each as a sentence."""
    words = Wording(facts, currency)
    try:
        programme = programme_of(workflow, facts)
    except Broken as error:
        return "", "", str(error)
    return words.rule(programme.enrol), _leaving(programme, words), ""


def _leaving(programme: Programme, words: Wording) -> str:
    days = programme.after_days
    for_days = f" for {formats.plural(days, 'day')}" if days else ""
    if programme.leaves == Leaves.RULE:
        rule = words.rule(programme.leave).removesuffix(".")
        return f"{rule}, {for_days.strip()}." if days else f"{rule}."
    if programme.leaves == Leaves.NO_LONGER and programme.enrol:
        return f"The rule for entering has not held{for_days}." if days else "The rule for entering no longer holds."
    return ""


def _edit(request: HttpRequest, workflow: Workflow | None) -> HttpResponse:
    organization, by = organization_of(request), member_of(request).email
    facts = facts_of(organization)
    context: dict[str, Any] = {"record": workflow, "facts": list(facts.values())}
    status = 200
    if request.method == "POST":
        form = WorkflowForm(request.POST)
        enrol, leave = (RuleForm.posted(name, facts, request.POST) for name in ("enrol", "leave"))
        do = request.POST.get("do", "save")
        form.is_valid()
        if do == "save":
            saved = _save(organization, workflow, by, form, enrol, leave)
            if saved is not None:
                messages.success(request, f"{saved.name} was saved. Its rules are applied within a minute.")
                return redirect(f"{LIST}/{saved.pk}")
            status = 422
        else:
            # Only the rules change. Other missing values are reported when the form is saved.
            form = WorkflowForm(initial=dict(form.cleaned_data))
            _rearrange(do, enrol, leave)
            if do == "count":
                context["matches"] = _matches(organization, enrol)
    else:
        names = ("name", "description", "leaves", "leave_after_days", "hand_leaves_too")
        stored = workflow or Workflow(organization=organization)
        form = WorkflowForm(initial={name: getattr(stored, name) for name in names})
        enrol = RuleForm.stored("enrol", facts, stored.enrol_rule)
        leave = RuleForm.stored("leave", facts, stored.leave_rule)
    context |= {"form": form, "enrol": enrol, "leave": leave}
    chosen = form["leaves"].value()
    context |= {"own_rule": chosen == Leaves.RULE, "by_hand": chosen == Leaves.BY_HAND}
    return render(request, "web/workflows/form.html", context, status=status)


def _save(
    organization: Any, workflow: Workflow | None, by: str, form: WorkflowForm, enrol: RuleForm, leave: RuleForm
) -> Workflow | None:
    values = {**form.cleaned_data, "enrol_rule": enrol.plain()}
    # A rule that is not shown is kept as it was sent only if it is valid.
    if values.get("leaves") == Leaves.RULE:
        values["leave_rule"] = leave.plain()
    try:
        if workflow is None:
            return services.workflow_create(organization=organization, by=by, values=values)
        return services.workflow_update(workflow=workflow, by=by, values=values)
    except FieldError as error:
        for name, sentence in error.errors.items():
            if name == "enrol_rule":
                enrol.error = "" if not enrol.check() else sentence
                form.add_error(None, "A condition for entering needs your attention.")
            elif name == "leave_rule":
                leave.error = "" if not leave.check() else sentence
                form.add_error(None, "The rule for leaving needs your attention.")
            else:
                form.add_error(name if name in form.fields else None, sentence)
        return None


def _rearrange(do: str, enrol: RuleForm, leave: RuleForm) -> None:
    action, _, rest = do.partition("-")
    name, _, number = rest.partition("-")
    rule = {"enrol": enrol, "leave": leave}.get(name)
    if rule is None:
        return
    if action == "add":
        rule.add()
    elif action == "drop" and number.isdecimal() and len(number) < 4:
        rule.drop(int(number))


def _matches(organization: Any, enrol: RuleForm) -> int | None:
    """Returns how many customers the rule in the form matches; None if it is invalid."""
    if not enrol.check():
        return None
    try:
        rule = rule_of(enrol.facts, "enrol_rule", enrol.plain())
    except FieldError as error:
        enrol.error = str(error)
        return None
    return passes.count(organization, Programme(enrol=rule))
