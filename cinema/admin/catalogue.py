"""The catalogue in the admin site. Seats, plans and counters are shown here and cannot be edited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from cinema.admin.filters import ScreenFilter, WhenFilter
from cinema.admin.forms import (
    CinemaForm,
    MovieForm,
    PlainModelForm,
    PlanFileForm,
    RefundTierForm,
    price_name,
    showtime_form_of,
)
from cinema.currencies import format_money
from cinema.films.store import draw_missing
from cinema.imports.bad_rows import BadFile
from cinema.models import Cinema, Genre, Movie, RefundTier, Screen, SeatingPlan, Showtime
from cinema.plans.store import import_plan

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin as ModelAdmin
    from django.contrib.admin import TabularInline as TabularInline
else:

    class OfModel:
        """A class that is generic for the type checker only."""

        def __class_getitem__(cls, model):
            return cls

    class ModelAdmin(OfModel, admin.ModelAdmin):
        form = PlainModelForm

    class TabularInline(OfModel, admin.TabularInline):
        pass


admin.site.site_title = "BookMySeat"
admin.site.site_header = "BookMySeat"
admin.site.index_title = gettext_lazy("Programme")


def link_to(thing: Any, words: object = "") -> SafeString | str:
    """A link to the admin page of a row; "" without a row."""
    if thing is None:
        return ""
    address = reverse(f"admin:{thing._meta.app_label}_{thing._meta.model_name}_change", args=[thing.pk])
    return format_html('<a href="{}">{}</a>', address, words or thing)


def link_to_showtimes(number: int, **wanted: object) -> SafeString | str:
    query = "&".join(f"{name}={value}" for name, value in wanted.items())
    address = f"{reverse('admin:cinema_showtime_changelist')}?{query}"
    return format_html('<a href="{}">{}</a>', address, number) if number else "0"


class ReadOnly:
    """No add, change and delete: the rows are written by use cases."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def ahead(path: str = "") -> Count:
    """The number of showtimes to come; `path` is the lookup to their screen or movie."""
    to_come = {f"{path}showtimes__starts_at__gt": timezone.now(), f"{path}showtimes__cancelled_at": None}
    return Count(f"{path}showtimes", filter=Q(**to_come), distinct=True)


@admin.register(Genre)
class GenreAdmin(ModelAdmin[Genre]):
    list_display = ("name", "slug", "n_movies")
    prepopulated_fields: ClassVar[dict[str, Any]] = {"slug": ("name",)}
    search_fields = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Genre]:
        return super().get_queryset(request).annotate(movies_in_it=Count("movies"))

    @admin.display(description=gettext_lazy("films"), ordering="movies_in_it")
    def n_movies(self, genre: Any) -> int:
        return int(genre.movies_in_it)


@admin.register(Movie)
class MovieAdmin(ModelAdmin[Movie]):
    form = MovieForm
    list_display = ("thumbnail", "title", "release_date", "genre_names", "runtime", "certificate", "to_come")
    list_display_links = ("title",)
    list_filter = ("genres", "original_language", "certificate")
    list_per_page = 50
    search_fields = ("title", "director", "slug")
    prepopulated_fields: ClassVar[dict[str, Any]] = {"slug": ("title",)}
    filter_horizontal = ("genres",)
    actions = ("draw_artwork",)
    readonly_fields = ("artwork",)
    fieldsets = (
        (None, {"fields": ("title", "slug", "tagline", "overview", "genres")}),
        (gettext_lazy("Facts"), {"fields": ("release_date", "runtime", "certificate", "rating")}),
        (gettext_lazy("Languages"), {"fields": ("original_language", "spoken_languages")}),
        (gettext_lazy("People"), {"fields": ("director", "cast")}),
        (gettext_lazy("Pictures"), {"fields": ("artwork", "poster", "picture", "trailer_url")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Movie]:
        return super().get_queryset(request).annotate(ahead=ahead()).prefetch_related("genres")

    @admin.display(description=gettext_lazy("poster"))
    def thumbnail(self, movie: Movie) -> SafeString | str:
        poster = movie.poster_url
        return format_html('<img class="thumbnail" src="{}" alt="" width="40" height="60">', poster) if poster else ""

    @admin.display(description=gettext_lazy("now"))
    def artwork(self, movie: Movie) -> SafeString | str:
        if not movie.poster and not movie.picture:
            return _("None yet. The list has an action that draws it.")
        images = [(movie.poster_url, 120, 180), (movie.picture_url, 320, 180)]
        return format_html(
            "{}{}",
            *(format_html('<img class="artwork" src="{}" alt="" width="{}" height="{}">', *image) for image in images),
        )

    @admin.display(description=gettext_lazy("genres"))
    def genre_names(self, movie: Movie) -> str:
        return ", ".join(genre.name for genre in movie.genres.all())

    @admin.display(description=gettext_lazy("to come"), ordering="ahead")
    def to_come(self, movie: Any) -> SafeString | str:
        return link_to_showtimes(movie.ahead, movie__id__exact=movie.pk)

    @admin.action(description=gettext_lazy("Draw artwork for films without a poster"), permissions=["change"])
    def draw_artwork(self, request: HttpRequest, queryset: QuerySet[Movie]) -> None:
        drawn = draw_missing(queryset.order_by("pk"))
        self.message_user(
            request, ngettext("Artwork drawn for %d film.", "Artwork drawn for %d films.", drawn) % drawn,
            messages.SUCCESS,
        )  # fmt: skip


class RefundTierInline(TabularInline[RefundTier, Cinema]):
    """What a buyer who cancels gets back. A cancellation by staff refunds everything."""

    model = RefundTier
    form = RefundTierForm
    extra = 1
    verbose_name = gettext_lazy("step of the refund terms")
    verbose_name_plural = gettext_lazy("Refund terms; without any, all of the price until the end that is set for all")


@admin.register(Cinema)
class CinemaAdmin(ModelAdmin[Cinema]):
    form = CinemaForm
    inlines = (RefundTierInline,)
    list_display = ("name", "city", "screen_names", "to_come")
    search_fields = ("name", "city")
    prepopulated_fields: ClassVar[dict[str, Any]] = {"slug": ("name",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Cinema]:
        return super().get_queryset(request).annotate(ahead=ahead("screens__")).prefetch_related("screens")

    @admin.display(description=gettext_lazy("screens"))
    def screen_names(self, cinema: Cinema) -> SafeString | str:
        address = f"{reverse('admin:cinema_screen_changelist')}?cinema__id__exact={cinema.pk}"
        return format_html('<a href="{}">{}</a>', address, ", ".join(s.name for s in cinema.screens.all()) or "0")

    @admin.display(description=gettext_lazy("to come"), ordering="ahead")
    def to_come(self, cinema: Any) -> SafeString | str:
        return link_to_showtimes(cinema.ahead, screen__cinema__id__exact=cinema.pk)


@admin.register(Screen)
class ScreenAdmin(ModelAdmin[Screen]):
    list_display = ("name", "cinema_link", "plan_link", "seats", "to_come")
    list_filter = ("cinema",)
    list_select_related = ("cinema", "plan")
    search_fields = ("name", "cinema__name")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Screen]:
        seat_count = Count("plan__seats", distinct=True)
        return super().get_queryset(request).annotate(ahead=ahead(), seat_count=seat_count)

    @admin.display(description=gettext_lazy("cinema"), ordering="cinema__name")
    def cinema_link(self, screen: Screen) -> SafeString | str:
        return link_to(screen.cinema)

    @admin.display(description=gettext_lazy("seating plan"))
    def plan_link(self, screen: Screen) -> SafeString | str:
        return link_to(screen.plan) or _("none yet")

    @admin.display(description=gettext_lazy("seats"), ordering="seat_count")
    def seats(self, screen: Any) -> int:
        return int(screen.seat_count)

    @admin.display(description=gettext_lazy("to come"), ordering="ahead")
    def to_come(self, screen: Any) -> SafeString | str:
        return link_to_showtimes(screen.ahead, screen__id__exact=screen.pk)

    def get_urls(self) -> list[URLPattern]:
        page = path("import-plan/", self.admin_site.admin_view(self.import_plan), name="cinema_screen_import_plan")
        return [page, *super().get_urls()]

    def import_plan(self, request: HttpRequest) -> HttpResponse:
        """Import a plan file, or show every bad row."""
        if not (self.has_add_permission(request) and self.has_change_permission(request)):
            raise PermissionDenied
        form = PlanFileForm(request.POST or None, request.FILES or None)
        problems: tuple[object, ...] = ()
        if request.method == "POST" and form.is_valid():
            try:
                content = form.cleaned_data["file"].read()
                done = import_plan(content, cinema=form.cleaned_data["cinema"], screen=form.cleaned_data["screen"])
            except BadFile as bad:
                problems = bad.problems
            else:
                words = _("Seats: %(created)d created, %(updated)d updated, %(unchanged)d unchanged.")
                counts = {name: getattr(done, name) for name in ("created", "updated", "unchanged")}
                self.message_user(request, words % counts, messages.SUCCESS)
                return HttpResponseRedirect(reverse("admin:cinema_seatingplan_change", args=[done.plan.pk]))
        context = self.admin_site.each_context(request) | {
            "opts": self.opts, "form": form, "problems": problems, "title": _("Import a seating plan"),
        }  # fmt: skip
        return TemplateResponse(request, "admin/cinema/screen/import_plan.html", context)


COUNTER_FIELDS = ("n_available", "n_locked", "n_booked", "n_blocked", "takings")


@admin.register(Showtime)
class ShowtimeAdmin(ModelAdmin[Showtime]):
    """Prices are fields of their own section, which is shown once a screen is chosen."""

    list_display = ("movie", "room", "starts_at", "state", "seats_left", "occupancy", "takings")
    list_filter = (WhenFilter, "screen__cinema", ScreenFilter)
    list_select_related = ("movie", "screen__cinema")
    list_per_page = 50
    date_hierarchy = "starts_at"
    ordering = ("starts_at", "id")
    search_fields = ("movie__title", "screen__name", "screen__cinema__name")
    autocomplete_fields = ("movie", "screen")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup == "movie__id__exact" or super().lookup_allowed(lookup, value, request)

    def get_fieldsets(self, request: HttpRequest, obj: Showtime | None = None) -> Any:
        plan = self._plan_of(request, obj)
        what = _("The end comes from the length of the film if you leave it empty.")
        if plan is None:
            what += " " + _("The prices are asked for when the screen is known.")
        whole: list[Any] = [(None, {"fields": ("movie", "screen", "starts_at", "ends_at"), "description": what})]
        if plan is not None:
            prices = [price_name(category.key) for category in plan.categories.sold()]
            is_sold = bool(obj and (obj.n_locked or obj.n_booked))
            why = _("Seats are locked or sold at these prices, so they stay.") if is_sold else ""
            whole.append((_("Prices"), {"fields": prices, "description": why}))
        whole.append((_("As it is shown"), {"fields": ("language", "subtitles", "format")}))
        sales = ["sales_open_at", "sales_close_at", "cancelled_at"]
        whole.append((_("Sales"), {"fields": [*sales, "state", *COUNTER_FIELDS] if obj else sales[:2]}))
        return whole

    def get_form(self, request: HttpRequest, obj: Showtime | None = None, change: bool = False, **kwargs: Any) -> Any:
        currency = obj.currency if obj else settings.CURRENCY
        kwargs["form"] = showtime_form_of(self._plan_of(request, obj), currency)
        return super().get_form(request, obj, change, **kwargs)

    def _plan_of(self, request: HttpRequest, obj: Showtime | None) -> SeatingPlan | None:
        """The plan of the chosen screen, or of the showtime. With seats on sale always that of the showtime."""
        if obj and obj.n_seats:
            return obj.plan
        chosen = request.POST.get("screen") or request.GET.get("screen") or ""
        if chosen.isascii() and chosen.isdigit() and len(chosen) < 19:
            return SeatingPlan.objects.filter(screens=int(chosen)).first()
        return obj.plan if obj else None

    def get_readonly_fields(self, request: HttpRequest, obj: Showtime | None = None) -> tuple[str, ...]:
        """With seats on sale the screen is fixed; with locked or sold seats also the film and the cancellation."""
        fixed = ("screen",) if obj and obj.n_seats else ()
        sold = ("movie", "cancelled_at") if obj and (obj.n_booked or obj.n_locked) else ()
        return (*fixed, *sold, "state", *COUNTER_FIELDS)

    def has_delete_permission(self, request: HttpRequest, obj: Showtime | None = None) -> bool:
        """A showtime with seats on sale can be cancelled, not deleted."""
        return super().has_delete_permission(request, obj) and not (obj and obj.n_seats)

    @admin.display(description=gettext_lazy("state"))
    def state(self, showtime: Showtime) -> SafeString:
        state = showtime.sales(timezone.now())
        known = {
            "cancelled": _("cancelled"), "closed": _("closed"), "upcoming": _("opens later"), "open": _("open"),
            "sold-out": _("sold out"), "not-opened": _("not opened"),
        }  # fmt: skip
        word: str = state
        if state in ("open", "upcoming") and not showtime.n_seats:
            word = "not-opened"
        elif state == "open" and not showtime.n_available:
            word = "sold-out"
        return format_html('<span class="state" data-state="{}">{}</span>', word, known[word])

    @admin.display(description=gettext_lazy("screen"), ordering="screen__name")
    def room(self, showtime: Showtime) -> SafeString:
        return format_html('{}<small class="cinema-name">{}</small>', showtime.screen.name, showtime.screen.cinema.name)

    @admin.display(description=gettext_lazy("left"), ordering="n_available")
    def seats_left(self, showtime: Showtime) -> str:
        return f"{showtime.n_available} / {showtime.n_seats}" if showtime.n_seats else "–"

    @admin.display(description=gettext_lazy("taken"), ordering="n_booked")
    def occupancy(self, showtime: Showtime) -> str:
        on_sale = showtime.n_seats - showtime.n_blocked
        return f"{showtime.n_booked / on_sale:.0%}" if on_sale else "–"

    @admin.display(description=gettext_lazy("revenue"), ordering="revenue")
    def takings(self, showtime: Showtime) -> str:
        return format_money(showtime.revenue, showtime.currency)
