"""A seating plan as one small picture for the admin site: seats in the colours of their categories."""

from __future__ import annotations

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from cinema.plans.layouts import PlanSeat, layout_of

WIDTHS = {"recliner": 1.2, "sofa-start": 0.92, "sofa-end": 0.92}


def draw_thumbnail(layout_hash: str) -> SafeString:
    """Inline SVG; the style sheet colours it by `data-seat-colour`. Texts of the plan are escaped."""
    layout = layout_of(layout_hash)
    seats = "".join(_seat(seat) for seat in layout.seats)
    w, h = layout.width, layout.height
    label = f"{len(layout.seats)} seats, the screen at the top"
    return mark_safe(  # numbers, our own texts, and escaped texts of the plan
        f'<svg class="plan-picture" viewBox="0 0 {w:g} {h:g}" role="img" aria-label="{label}">'
        f'<path class="plan-picture__screen" d="M{w * 0.22:.2f} 1.6Q{w / 2:.2f} .6 {w * 0.78:.2f} 1.6"/>{seats}</svg>'
    )


def _seat(seat: PlanSeat) -> str:
    width = WIDTHS.get(seat.shape, 0.8)
    kind = "closed" if not seat.for_sale else seat.kind
    return (
        f'<rect data-seat-colour="{escape(seat.seat_colour)}" data-kind="{escape(kind)}" x="{seat.x - width / 2:.2f}" '
        f'y="{seat.y - 0.4:.2f}" width="{width:g}" height=".8" rx=".22" '
        f'transform="rotate({seat.turn:.1f} {seat.x:.2f} {seat.y:.2f})">'
        f"<title>{escape(seat.label)}, {escape(seat.category_name)}</title></rect>"
    )
