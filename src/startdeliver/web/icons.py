"""The line icons of the interface, as SVG text drawn on a 20 × 20 grid."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from startdeliver.common.health import css_class

ICONS = {
    "alert": '<path d="M10 3 18 17H2z"/><path d="M10 8.5v3.5M10 14.4v.1"/>',
    "apps": '<rect x="3" y="3" width="6" height="6" rx="1.5"/><rect x="11" y="3" width="6" height="6" rx="1.5"/>'
    '<rect x="3" y="11" width="6" height="6" rx="1.5"/><path d="M14 11.5v5M11.5 14h5"/>',
    "archive": '<rect x="2.5" y="4" width="15" height="4" rx="1"/><path d="M4 8v7.5h12V8M8 11.5h4"/>',
    "arrow-left": '<path d="M16 10H4M9 5l-5 5 5 5"/>',
    "arrow-right": '<path d="M4 10h12M11 5l5 5-5 5"/>',
    "book": '<path d="M3.5 4.5c2.6-.8 4.8-.5 6.5.8 1.7-1.3 3.9-1.6 6.5-.8v11c-2.6-.8-4.8-.5-6.5.8'
    '-1.7-1.3-3.9-1.6-6.5-.8z"/><path d="M10 5.3v11"/>',
    "chart": '<path d="M3 16.5h14"/><path d="M4 12.5l4-4.5 3.5 3 4.5-6"/>',
    "check": '<path d="m4 10.5 4 4 8-9"/>',
    "check-circle": '<circle cx="10" cy="10" r="7"/><path d="m6.8 10.2 2.2 2.2 4.2-4.7"/>',
    "chevron-down": '<path d="m5 8 5 5 5-5"/>',
    "chevron-right": '<path d="m8 5 5 5-5 5"/>',
    "clock": '<circle cx="10" cy="10" r="7"/><path d="M10 6v4.2l2.8 1.8"/>',
    "close": '<path d="m5 5 10 10M15 5 5 15"/>',
    "copy": '<rect x="7" y="7" width="9.5" height="9.5" rx="1.5"/><path d="M13 7V4.5A1 1 0 0 0 12 3.5H4.5'
    'A1 1 0 0 0 3.5 4.5V12a1 1 0 0 0 1 1H7"/>',
    "customers": '<path d="M3 17V4.5a1 1 0 0 1 1-1h7a1 1 0 0 1 1 1V17M12 8h4a1 1 0 0 1 1 1v8M2 17h16"/>'
    '<path d="M6 7h.1M9 7h.1M6 10h.1M9 10h.1M6 13h.1M9 13h.1M14.6 11h.1M14.6 14h.1"/>',
    "dots": '<path d="M5 10h.1M10 10h.1M15 10h.1" stroke-width="2.6"/>',
    "edit": '<path d="M13.5 3.5 16.5 6.5 7 16l-3.7.7L4 13z"/>',
    "external": '<path d="M8 4.5H4.5a1 1 0 0 0-1 1v10a1 1 0 0 0 1 1h10a1 1 0 0 0 1-1V12M11.5 3.5h5v5M16 4l-7 7"/>',
    "health": '<path d="M2.5 10.5h3.5l2-5 3.5 9 2-4h4"/>',
    "info": '<circle cx="10" cy="10" r="7"/><path d="M10 9.5v4M10 6.6v.1"/>',
    "key": '<circle cx="7" cy="12.5" r="3.5"/><path d="m9.5 10 6.5-6.5M13 6.5l2.5 2.5"/>',
    "link": '<path d="M8.5 11.5a3 3 0 0 0 4.3 0l2.9-2.9a3 3 0 0 0-4.3-4.3l-1 1M11.5 8.5a3 3 0 0 0-4.3 0'
    'l-2.9 2.9a3 3 0 0 0 4.3 4.3l1-1"/>',
    "lock": '<rect x="4" y="9" width="12" height="8" rx="1.5"/><path d="M7 9V6.5a3 3 0 0 1 6 0V9"/>',
    "log-out": '<path d="M8 3.5H4.5a1 1 0 0 0-1 1v11a1 1 0 0 0 1 1H8M13 6.5l3.5 3.5-3.5 3.5M16 10H8"/>',
    "mail": '<rect x="2.5" y="4" width="15" height="12" rx="1.5"/><path d="m3 5.5 7 5.5 7-5.5"/>',
    "moon": '<path d="M16.5 12A7 7 0 0 1 8 3.5a7 7 0 1 0 8.5 8.5z"/>',
    "move": '<path d="M3 7h12M12 4l3 3-3 3M17 13H5M8 10l-3 3 3 3"/>',
    "note": '<path d="M4 3.5h12v9l-4 4H4z"/><path d="M12 16.5v-4h4M7 7h6M7 10h4"/>',
    "paperclip": '<path d="m16 9-6.3 6.3a3.5 3.5 0 0 1-5-5L11 4a2.3 2.3 0 0 1 3.3 3.3L8 13.6a1 1 0 0 1-1.5'
    '-1.5L12 6.7"/>',
    "plus": '<path d="M10 4v12M4 10h12"/>',
    "refresh": '<path d="M16.5 9A6.7 6.7 0 0 0 4.6 6.2L3 8M3 4v4h4M3.5 11a6.7 6.7 0 0 0 11.9 2.8L17 12M17 16v-4h-4"/>',
    "restore": '<path d="M3.5 4v4h4M4 8a6.7 6.7 0 1 1-.7 4"/>',
    "search": '<circle cx="9" cy="9" r="5.5"/><path d="m13.2 13.2 3.8 3.8"/>',
    "settings": '<path d="M3 6h7M14 6h3M3 14h3M10 14h7"/><circle cx="12" cy="6" r="2"/><circle cx="8" cy="14" r="2"/>',
    "sort": '<path d="M10 16V4M5.5 11.5 10 16l4.5-4.5"/>',
    "star": '<path d="m10 3 2.1 4.4 4.9.7-3.5 3.4.8 4.8L10 14l-4.3 2.3.8-4.8L3 8.1l4.9-.7z"/>',
    "tickets": '<path d="M3 4.5h14v9.5H9.5L6 17v-3H3z"/><path d="M6.5 8h7M6.5 10.8h4.5"/>',
    "unlink": '<path d="M12.5 12.5 15.7 9.3a3 3 0 0 0-4.3-4.3M7.5 7.5 4.3 10.7A3 3 0 0 0 8.6 15M3 3l14 14"/>',
    "user": '<circle cx="10" cy="6.5" r="3.2"/><path d="M3.5 17c.6-3.6 3-5.5 6.5-5.5s5.9 1.9 6.5 5.5"/>',
    "user-plus": '<circle cx="8.5" cy="6.5" r="3"/><path d="M2.5 16.5c.5-3.3 2.7-5 6-5 1.5 0 2.8.4 3.8 1.1'
    'M15 12v5M12.5 14.5h5"/>',
    "workflows": '<circle cx="4.5" cy="5" r="2"/><circle cx="15.5" cy="10" r="2"/><circle cx="4.5" cy="15" r="2"/>'
    '<path d="M6.5 5h4a3 3 0 0 1 3 3v.2M6.5 15h4a3 3 0 0 0 3-3v-.2"/>',
    "users": '<circle cx="7.5" cy="7" r="2.8"/><path d="M2 16.5c.5-3.2 2.4-4.9 5.5-4.9s5 1.7 5.5 4.9M12.5 4.4a2.8'
    ' 2.8 0 0 1 0 5.2M14.5 11.9c2 .5 3.2 2.1 3.5 4.6"/>',
}


def icon(name: str, size: str = "") -> SafeString:
    """Returns an icon as SVG text, hidden from screen readers; `size` is "", "small" or "big". Raises KeyError."""
    return format_html(
        '<svg class="{}" viewBox="0 0 20 20" width="18" height="18" aria-hidden="true" focusable="false">{}</svg>',
        f"icon icon-{size}" if size else "icon",
        mark_safe(ICONS[name]),  # noqa: S308 -- our own constant
    )


_SHAPES = {
    "good": '<circle cx="6" cy="6" r="5.5" fill="currentColor"/>',
    "fair": '<circle cx="6" cy="6" r="4.6" fill="none" stroke="currentColor" stroke-width="1.8"/>'
    '<path d="M6 1.4a4.6 4.6 0 0 1 0 9.2z" fill="currentColor"/>',
    "poor": '<circle cx="6" cy="6" r="4.6" fill="none" stroke="currentColor" stroke-width="1.8"/>',
    "none": '<path d="M2 6h8" stroke="currentColor" stroke-width="1.8" stroke-linecap="round"/>',
}


def health_shape(value: str | None) -> SafeString:
    """Draws ● for Good, ◐ for Fair, ○ for Poor, – for no data, the same in every font."""
    return format_html(
        '<svg class="health-shape" viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">{}</svg>',
        mark_safe(_SHAPES[css_class(value)]),  # noqa: S308 -- our own constant
    )
