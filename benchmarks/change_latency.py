"""From a usage event to the attribute in Intercom, with a worker process: ten changed customers among 100,000."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from typing import Any

from benchmarks.harness import Figures, Watch, arguments, fresh_database, settle
from benchmarks.push import companies, confirm, fill
from benchmarks.workspace import Intercom, simulated_intercom

CHANGED = 10
ATTRIBUTE = "startdeliver_usage_health"
_LONGEST = 300.0


def attribute_of(intercom: Intercom, ref: str) -> Any:
    """The company's usage health in Intercom."""
    from startdeliver.simulator import DEFAULT_TOKEN

    request = urllib.request.Request(f"{intercom.url}/companies/{ref}")
    request.add_header("Authorization", f"Bearer {DEFAULT_TOKEN}")
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["custom_attributes"].get(ATTRIBUTE)


def main() -> None:
    options = arguments(__doc__ or "")
    scale = 10 if options.small else 1
    with (
        simulated_intercom(1) as intercom,
        fresh_database(options.database, INTERCOM_API_URL=intercom.url),
    ):
        from startdeliver.customers.models import CustomerUser
        from startdeliver.sync import pipeline
        from startdeliver.sync.models import Connection, IntercomCompany, PushField
        from startdeliver.tenancy.scope import organization_scope
        from startdeliver.usage import services as usage
        from startdeliver.usage.models import UsageHealth

        figures = Figures("change_latency", options.database)
        organization = fill(100_000 // scale, 300_000 // scale)
        with organization_scope(organization):
            kind = usage.usage_type_create(organization=organization, by="bench", values={"name": "Report"})
            values = {
                "name": "Reports", "abbreviation": "REP", "goal": "usage_count", "look_back_days": 30,
                "fair_target": "1", "good_target": "2", "usage_types": [kind.pk],
            }  # fmt: skip
            usage.product_create(organization=organization, by="bench", values=values)
            UsageHealth.objects.update(status="poor")
            pipeline.record_time()
            with Watch() as everything:
                while pipeline.run(organization):
                    pass
            figures.add("everything for the first time", everything.seconds, "s")
            companies(intercom, CHANGED)
            confirm(organization, Connection.objects.get())
            for field in PushField.objects.filter(ticked=True):
                data_type = {"last_login": "date"}.get(field.source, "string")
                body = {"model": field.model, "name": field.name, "data_type": data_type}
                intercom.control("POST", "verbs/define_attribute", body)
            settle()
            refs = list(IntercomCompany.objects.order_by("pk").values_list("ref", "customer_id")[:CHANGED])
            command = [sys.executable, "-m", "startdeliver.project.cli", "worker", "--processes=1"]
            with subprocess.Popen(command, stderr=subprocess.DEVNULL) as worker:
                try:
                    time.sleep(10)  # the worker is up and idle
                    began = time.monotonic()
                    events = []
                    for _, customer in refs:
                        user = CustomerUser.objects.filter(customer=customer).order_by("pk").first()
                        assert user is not None
                        now = int(time.time() * 1000)
                        events += [usage.Event(user.pk, kind.pk, now - number) for number in range(2)]
                    usage.store(organization, events)
                    waiting = [ref for ref, _ in refs]
                    first = None
                    while waiting and time.monotonic() - began < _LONGEST:
                        waiting = [ref for ref in waiting if attribute_of(intercom, ref) != "Good"]
                        if first is None and len(waiting) < CHANGED:
                            first = time.monotonic() - began
                        time.sleep(0.1)
                    figures.add("the first attribute", first or _LONGEST, "s")
                    figures.add(
                        f"all {CHANGED} attributes", time.monotonic() - began, "s", "under 60" if scale == 1 else ""
                    )
                    figures.add("attributes missing", len(waiting), "", "0")
                finally:
                    worker.terminate()
        figures.show()


if __name__ == "__main__":
    main()
