"""What pages and the API read of tickets and support health; the modules named here hold the code."""

from startdeliver.support.charts import TrendPoint, VolumePoint, ticket_volume, trend
from startdeliver.support.listing import (
    TicketPage,
    is_overdue,
    overdue_q,
    searched_since,
    tickets_count,
    tickets_counts,
    tickets_found,
    tickets_list,
    tickets_page,
)
from startdeliver.support.threads import Author, Entry, File, thread_entries
from startdeliver.support.tile import Feedback, Rating, SupportTile, feedback, length, support_tile, why

__all__ = [
    "Author",
    "Entry",
    "Feedback",
    "File",
    "Rating",
    "SupportTile",
    "TicketPage",
    "TrendPoint",
    "VolumePoint",
    "feedback",
    "is_overdue",
    "length",
    "overdue_q",
    "searched_since",
    "support_tile",
    "thread_entries",
    "ticket_volume",
    "tickets_count",
    "tickets_counts",
    "tickets_found",
    "tickets_list",
    "tickets_page",
    "trend",
    "why",
]
