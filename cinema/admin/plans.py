"""Seating plans in the admin site: shown, and given another stage or focal point."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cinema.admin.catalogue import ModelAdmin, ReadOnly, TabularInline
from cinema.models import SeatCategory, SeatingPlan
from cinema.plans.geometry import Point
from cinema.plans.layouts import layout_of
from cinema.plans.moved_stage import move_stage
from cinema.plans.thumbnail import draw_thumbnail


class StageForm(forms.Form):
    """Where the stage is, and where the best seats are. Two empty numbers mean the default focal point."""

    stage = forms.ChoiceField(
        choices=SeatingPlan.Stage.choices,
        label=gettext_lazy("Stage"),
        help_text=gettext_lazy("Its side of the drawing."),
    )
    focal_x = forms.FloatField(required=False, label=gettext_lazy("Focal point, from the left"))
    focal_y = forms.FloatField(
        required=False,
        label=gettext_lazy("Focal point, from the top"),
        help_text=gettext_lazy(
            "In seat widths of the drawing above, where a cross marks it. Both empty: two thirds of the way back."
        ),
    )

    def __init__(self, *args: Any, plan: SeatingPlan, **options: Any) -> None:
        super().__init__(*args, **options)
        self.most = {"focal_x": plan.width, "focal_y": plan.height}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name, most in self.most.items():
            value = cleaned.get(name)
            if value is not None and not 0 <= value <= most:
                self.add_error(name, _("The drawing reaches from 0 to %(most)s.") % {"most": f"{most:g}"})
        if not self.errors and (cleaned["focal_x"] is None) != (cleaned["focal_y"] is None):
            self.add_error(None, _("A focal point has two numbers. Give both, or neither."))
        return cleaned

    @property
    def focal_point(self) -> Point | None:
        """Of a valid form."""
        x, y = self.cleaned_data["focal_x"], self.cleaned_data["focal_y"]
        return None if x is None else (x, y)


class CategoryInline(ReadOnly, TabularInline[SeatCategory, SeatingPlan]):
    model = SeatCategory
    extra = 0
    fields = ("name", "key", "color", "seat_colour", "n_seats")
    readonly_fields = ("n_seats",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[SeatCategory]:
        return super().get_queryset(request).annotate(seat_count=Count("seats"))

    @admin.display(description=gettext_lazy("seats"))
    def n_seats(self, category: Any) -> int:
        return int(category.seat_count)


@admin.register(SeatingPlan)
class SeatingPlanAdmin(ReadOnly, ModelAdmin[SeatingPlan]):
    """Read-only: a plan is immutable. A changed drawing, another stage or focal point makes another plan."""

    list_display = ("name", "hash", "n_seats", "used_by", "created_at")
    search_fields = ("name", "hash")
    fields = ("drawing", "name", "hash", "n_seats", "stage", "focal_point", "used_by", "created_at")
    inlines = (CategoryInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[SeatingPlan]:
        return super().get_queryset(request).annotate(seat_count=Count("seats")).prefetch_related("screens__cinema")

    @admin.display(description=gettext_lazy("drawing"))
    def drawing(self, plan: SeatingPlan) -> SafeString:
        return draw_thumbnail(plan.hash)

    @admin.display(description=gettext_lazy("seats"), ordering="seat_count")
    def n_seats(self, plan: Any) -> int:
        return int(plan.seat_count)

    @admin.display(description=gettext_lazy("used by"))
    def used_by(self, plan: SeatingPlan) -> str:
        return "; ".join(str(screen) for screen in plan.screens.all()) or _("no screen")

    @admin.display(description=gettext_lazy("focal point"))
    def focal_point(self, plan: SeatingPlan) -> str:
        x, y = layout_of(plan.hash).focal_point
        return _("%(x)s from the left, %(y)s from the top, in seat widths") % {"x": f"{x:g}", "y": f"{y:g}"}

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.move_stage)
        return [path("<id:pk>/stage/", view, name="cinema_seatingplan_stage"), *super().get_urls()]

    def move_stage(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Choose the side of the stage and the focal point; it makes another plan for the screens that use this one."""
        if not (request.user.has_perm("cinema.view_seatingplan") and request.user.has_perm("cinema.change_screen")):
            raise PermissionDenied
        plan = get_object_or_404(SeatingPlan, pk=pk)
        first = {"stage": plan.stage, "focal_x": plan.focal_x, "focal_y": plan.focal_y}
        form = StageForm(request.POST or None, plan=plan, initial=first)
        if request.method == "POST" and form.is_valid():
            try:
                moved = move_stage(plan, stage=form.cleaned_data["stage"], focal_point=form.focal_point)
            except ValueError as error:
                form.add_error(None, str(error))
            else:
                return self._answer(request, plan, moved)
        context = self.admin_site.each_context(request) | {
            "opts": self.opts, "form": form, "plan": plan, "drawing": draw_thumbnail(plan.hash),
            "title": _("Stage and focal point"),
        }  # fmt: skip
        return TemplateResponse(request, "admin/cinema/seatingplan/stage.html", context)

    def _answer(self, request: HttpRequest, plan: SeatingPlan, moved: SeatingPlan) -> HttpResponse:
        if moved.pk == plan.pk:
            self.message_user(request, _("Nothing was changed."), messages.INFO)
        else:
            screens = self.used_by(moved)
            words = _("The plan %(hash)s has that stage and focal point. It is used by: %(screens)s.")
            self.message_user(request, words % {"hash": moved.hash[:8], "screens": screens}, messages.SUCCESS)
            self.log_change(request, moved, f"Stage {moved.stage}, focal point of plan {plan.hash}")
        return HttpResponseRedirect(reverse("admin:cinema_seatingplan_change", args=[moved.pk]))
