"""Pages over 100,000 customers and 1,000,000 tickets, through the whole stack except the socket."""

from __future__ import annotations

from benchmarks.harness import Figures, arguments, fresh_database, median_and_slowest

CLAIM = "under 150"


def main() -> None:
    options = arguments(__doc__ or "")
    scale = 10 if options.small else 1
    with fresh_database(options.database):
        from django.test import Client

        from benchmarks.generate import fill
        from startdeliver.support import health
        from startdeliver.support.models import SupportHealth, Ticket
        from startdeliver.tenancy.models import Member
        from startdeliver.tenancy.scope import organization_scope

        organization = fill(100_000 // scale, 1_000_000 // scale)
        health.stats(organization)
        health.snapshot(organization)
        with organization_scope(organization):
            usual = SupportHealth.objects.filter(ticket_count=10).values_list("customer_id", flat=True)[0]
            biggest = SupportHealth.objects.order_by("-ticket_count").values_list("customer_id", flat=True)[0]
            ticket = Ticket.objects.values_list("pk", flat=True)[0]
        browser = Client()
        browser.force_login(Member.objects.get(organization=organization))
        figures = Figures("pages", options.database)
        for what, address in (
            ("customers", "/customers"),
            ("customers, by name", "/customers?sort=name"),
            ("customers, Poor", "/customers?health=poor"),
            ("customers, search", "/customers?q=Customer+77777"),
            ("customer profile", f"/customers/{usual}"),
            ("customer profile, of the one with most tickets", f"/customers/{biggest}"),
            ("tickets", "/tickets"),
            ("tickets, open", "/tickets?show=open"),
            ("tickets, overdue", "/tickets?show=overdue"),
            ("tickets, overdue, waiting longest first", "/tickets?show=overdue&sort=waiting"),
            ("tickets, resolved", "/tickets?show=resolved"),
            ("tickets, search that finds", "/tickets?q=invoices"),
            ("tickets, search that finds nothing", "/tickets?q=zebra"),
            ("ticket", f"/tickets/{ticket}"),
            ("search box", "/search?q=777"),
        ):
            # The first request fills the caches of templates and database.
            assert browser.get(address, HTTP_HOST="localhost").status_code == 200, address
            median, slowest = median_and_slowest(lambda url=address: browser.get(url, HTTP_HOST="localhost"), 9)
            figures.add(what, median, "ms", CLAIM)
            figures.add(f"  {what}, slowest of 9", slowest, "ms")
        figures.show()


if __name__ == "__main__":
    main()
