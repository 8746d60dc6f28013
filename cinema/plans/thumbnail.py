"""A seating plan as one small picture for the admin site: seats in the colours of their categories."""

from __future__ import annotations

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from cinema.plans.layouts import Layout, PlanSeat, layout_of
from cinema.plans.stage import svg_turn, turned_extent

WHERE = {"top": "at the top", "bottom": "at the bottom", "left": "on the left", "right": "on the right"}
WIDTHS = {"recliner": 1.2, "sofa-start": 0.92, "sofa-end": 0.92}


def draw_thumbnail(layout_hash: str) -> SafeString:
    """Inline SVG; the style sheet colours it by `data-seat-colour`. Texts of the plan are escaped."""
    layout = layout_of(layout_hash)
    seats = "".join(_seat(seat) for seat in layout.seats)
    w, h = layout.width, layout.height
    label = f"{len(layout.seats)} seats, the screen {WHERE[layout.stage]}"
    return mark_safe(  # numbers, our own texts, and escaped texts of the plan
        f'<svg class="plan-picture" viewBox="0 0 {w:g} {h:g}" role="img" aria-label="{label}">'
        f"{_screen(layout)}{seats}{_focal_point(layout)}</svg>"
    )


def _screen(layout: Layout) -> str:
    _, w, _ = turned_extent(layout.width, layout.height, layout.stage)
    turn = svg_turn(layout.width, layout.height, layout.stage)
    turned = f' transform="{turn}"' if turn else ""
    return f'<path class="plan-picture__screen" d="M{w * 0.22:.2f} 1.6Q{w / 2:.2f} .6 {w * 0.78:.2f} 1.6"{turned}/>'


def _focal_point(layout: Layout) -> str:
    x, y = layout.focal_point
    half = max(0.5, layout.width / 80)  # to be seen in a large hall too
    cross = f"M{x - half:.2f} {y:.2f}h{2 * half:.2f}M{x:.2f} {y - half:.2f}v{2 * half:.2f}"
    return (
        f'<g class="plan-picture__focal-point"><title>The focal point: {x:g} from the left, {y:g} from the top</title>'
        f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{half * 0.65:.2f}"/><path d="{cross}"/></g>'
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
