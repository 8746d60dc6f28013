"""The back office of the catalogue. Seats, plans and counters are read here, never typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from cinema.models import Cinema, Genre, Movie, Screen, SeatCategory, SeatingPlan, Showtime

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin, TabularInline
else:

    class OfModel:
        """Generic for the type checker, plain when it runs."""

        def __class_getitem__(cls, model):
            return cls

    class ModelAdmin(OfModel, admin.ModelAdmin):
        pass

    class TabularInline(OfModel, admin.TabularInline):
        pass


@admin.register(Genre)
class GenreAdmin(ModelAdmin[Genre]):
    list_display = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}
    search_fields = ("name",)


@admin.register(Movie)
class MovieAdmin(ModelAdmin[Movie]):
    list_display = ("title", "release_date", "runtime", "certificate", "director")
    list_filter = ("genres", "certificate")
    search_fields = ("title", "director")
    prepopulated_fields = {"slug": ("title",)}
    filter_horizontal = ("genres",)


@admin.register(Cinema)
class CinemaAdmin(ModelAdmin[Cinema]):
    list_display = ("name", "city")
    search_fields = ("name", "city")
    prepopulated_fields = {"slug": ("name",)}


@admin.register(Screen)
class ScreenAdmin(ModelAdmin[Screen]):
    list_display = ("name", "cinema", "plan")
    list_filter = ("cinema",)
    list_select_related = ("cinema", "plan")
    search_fields = ("name", "cinema__name")


class ReadOnly:
    """A plan is immutable: a changed drawing is imported and becomes another plan."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class CategoryInline(ReadOnly, TabularInline[SeatCategory, SeatingPlan]):
    model = SeatCategory
    extra = 0


@admin.register(SeatingPlan)
class SeatingPlanAdmin(ReadOnly, ModelAdmin[SeatingPlan]):
    list_display = ("name", "hash", "n_seats", "created_at")
    fields = ("name", "hash", "width", "height", "n_seats", "created_at")
    inlines = (CategoryInline,)

    @admin.display(description="seats")
    def n_seats(self, plan: SeatingPlan) -> int:
        return plan.seats.count()


COUNTERS = ("epoch", "version", "n_available", "n_locked", "n_booked", "n_blocked", "n_arrived", "revenue")


@admin.register(Showtime)
class ShowtimeAdmin(ModelAdmin[Showtime]):
    list_display = ("movie", "screen", "starts_at", "language", "n_available", "n_locked", "n_booked", "n_blocked")
    list_filter = ("screen", "movie")
    list_select_related = ("movie", "screen__cinema")
    date_hierarchy = "starts_at"
    search_fields = ("movie__title",)
    autocomplete_fields = ("movie", "screen")
    readonly_fields = COUNTERS

    def get_readonly_fields(self, request: HttpRequest, obj: Showtime | None = None) -> tuple[str, ...]:
        """Seats that are on sale stay in the room they were sold in."""
        return (*COUNTERS, "plan", "screen") if obj and obj.n_seats else COUNTERS

    def has_delete_permission(self, request: HttpRequest, obj: Showtime | None = None) -> bool:
        """Once seats are on sale a showtime is cancelled, not deleted."""
        return super().has_delete_permission(request, obj) and not (obj and obj.n_seats)
