"""All companies, once a day: Intercom has no way to ask for those that changed."""

from __future__ import annotations

from startdeliver.common import clock
from startdeliver.intercom import Page, VersionUnsupported, wire
from startdeliver.sync import mirror
from startdeliver.sync.models import MirrorCompany
from startdeliver.sync.pull.work import Pull

STAGE = "companies"


def run(pull: Pull) -> None:
    """Reads every company that has contacts. A scroll cannot be continued, so a run that resumes begins it anew. Where
    Intercom offers no listing of companies that is a warning; what conversations and contacts say of them remains."""
    try:
        _sweep(pull)
    except VersionUnsupported as error:
        pull.warn(f"Companies could not be read: {error.sentence}")


def _sweep(pull: Pull) -> None:
    state = pull.stage_cursor(STAGE)
    began = clock.now()
    done, whole = 0, True
    for page in pull.fetcher.iter_pages(pull.client.companies_scroll()):
        if page.restarted:
            done = 0
        if page.truncated:
            pull.warn(page.truncated)
        whole = whole and not page.truncated and not page.failures
        done += len(page.items)
        pull.progress(done, page.total_count)

        def write(page: Page[wire.Company] = page) -> None:
            changed = mirror.store_companies(pull, page.items, swept=True)
            pull.cursor["companies_changed"] = pull.cursor.get("companies_changed", 0) + changed

        pull.commit(write)
    state["read"] = done

    def finish() -> None:
        if whole:
            # Companies without contacts are in no listing (OpenAPI 2.16, /companies/list), so this is no deletion.
            unseen = MirrorCompany.objects.filter(workspace=pull.workspace, seen_at__lt=began, gone_at__isnull=True)
            unseen.update(gone_at=clock.now())

    pull.commit(finish)
