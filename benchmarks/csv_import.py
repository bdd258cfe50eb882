"""Importing 100,000 customers, each with two custom fields, and 100,000 users from CSV files."""

from __future__ import annotations

from benchmarks.harness import Figures, Watch, arguments, fresh_database, peak_megabytes


def main() -> None:
    options = arguments(__doc__ or "")
    count = 10_000 if options.small else 100_000
    with fresh_database(options.database):
        from startdeliver.customers.fields import field_create
        from startdeliver.customers.imports import service
        from startdeliver.customers.models import Customer, CustomerUser
        from startdeliver.engine import jobs
        from startdeliver.tenancy.scope import organization_scope
        from startdeliver.tenancy.services import organization_create

        organization, _, _ = organization_create(name="Bench", admin_email="admin@bench.test")
        customers = ["Name;ID;CSM;ARR;Renewal date;Domain;Plan;Employees;Segment;Seats"]
        customers += [
            f"Customer {n};c-{n};admin@bench.test;{n},50;{1 + n % 28:02}.{1 + n % 12:02}.2027;c{n}.test;"
            f"Plan {n % 5};{n % 900};{('Small', 'Large')[n % 2]};{n % 1000}"
            for n in range(count)
        ]
        people = ["Name,E-mail,User ID,Company ID,Phone,Stakeholder"]
        people += [
            f'"User {n}, junior",user{n}@c{n % count}.test,u-{n},c-{n % count},+49 30 {n},{("yes", "no")[n % 2]}'
            for n in range(count)
        ]
        figures = Figures("CSV import", options.database)
        with organization_scope(organization):
            options_of = {"Segment": {"type": "dropdown", "options": ["Small", "Large"]}, "Seats": {"type": "number"}}
            for name, more in options_of.items():
                field_create(organization=organization, by="bench", entity="customer", name=name, **more)
            runs = (
                ("customer", "customers", customers),
                ("user", "users", people),
                ("customer", "customers again, nothing changed", customers),
                ("customer", "customers again, all changed", [line.replace(";Plan ", ";Tier ") for line in customers]),
            )
            for target, what, lines in runs:
                data = "\n".join(lines).encode()
                with Watch() as watch:
                    file = service.upload(
                        organization=organization, by="bench", target=target, filename="bench.csv", data=data
                    )
                    service.day_order(file)
                figures.add(f"{what}: upload", watch.seconds, "s")
                with Watch() as watch:
                    service.check(file)
                figures.add(f"{what}: dry run", watch.seconds, "s")
                with Watch() as watch:
                    service.start(file)
                    jobs.run_inline()
                figures.add(f"{what}: import", watch.seconds, "s", "under 60")
                file.refresh_from_db()
                assert (file.status, file.failed_count) == ("done", 0), file.error
            assert (Customer.objects.count(), CustomerUser.objects.count()) == (count, count)
        figures.add("peak memory", peak_megabytes(), "MB")
        figures.show()


if __name__ == "__main__":
    main()
