"""What is shown, where and when: films, cinemas, screens, seating plans, showtimes."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Literal

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.templatetags.static import static
from django.urls import reverse

from cinema.search_text import SearchTextField

SalesState = Literal["open", "upcoming", "closed", "cancelled"]
PICTURE_PATH = "Static path, or an address of this site beginning with /"


def new_epoch() -> str:
    """A random name for one uninterrupted sequence of versions of a seat map (live-map rule R6)."""
    return secrets.token_hex(6)


def picture_url(path: str) -> str:
    """The URL of a picture. `path` is a static path, or an address of this site that begins with /; "" for none."""
    return path if path == "" or path.startswith("/") else static(path)


class Genre(models.Model):
    name = models.CharField(max_length=60, unique=True)
    slug = models.SlugField(max_length=60, unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Movie(models.Model):
    title = models.CharField(max_length=200)
    slug = models.SlugField(max_length=200, unique=True)
    tagline = models.CharField(max_length=200, blank=True)
    overview = models.TextField(blank=True)
    genres = models.ManyToManyField(Genre, related_name="movies", blank=True)
    original_language = models.CharField(max_length=60, blank=True)
    spoken_languages = models.JSONField(default=list, blank=True, help_text="Names, the most spoken first")
    director = models.CharField(max_length=120, blank=True)
    cast = models.JSONField(default=list, blank=True, help_text="Names, most important first")
    runtime = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Minutes")
    release_date = models.DateField(null=True, blank=True)
    certificate = models.CharField(max_length=12, blank=True)
    rating = models.DecimalField(max_digits=3, decimal_places=1, null=True, blank=True, help_text="0 to 10")
    trailer_url = models.URLField(blank=True)
    poster = models.CharField(max_length=200, blank=True, help_text=f"{PICTURE_PATH}; 2:3 with lettering")
    picture = models.CharField(max_length=200, blank=True, help_text=f"{PICTURE_PATH}; 16:9 without lettering")

    search_text = SearchTextField(default="", blank=True, editable=False)

    class Meta:
        ordering = ["title"]
        constraints = [
            models.UniqueConstraint(fields=["title", "release_date"], name="movie_title_and_release_date_unique"),
            models.UniqueConstraint(
                fields=["title"], condition=Q(release_date=None), name="movie_title_unique_without_date"
            ),
            models.CheckConstraint(condition=~Q(slug="admin-dashboard"), name="movie_slug_not_reserved"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("cinema:movie", args=[self.slug])

    @property
    def poster_url(self) -> str:
        return picture_url(self.poster)

    @property
    def picture_url(self) -> str:
        return picture_url(self.picture)


class Artwork(models.Model):
    """A drawing for a film without a picture. Immutable, named by a hash of its content: `/artwork/<hash>.svg`."""

    hash = models.CharField(max_length=32, unique=True)
    svg = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "artwork"

    def __str__(self) -> str:
        return self.hash

    def get_absolute_url(self) -> str:
        return reverse("cinema:artwork", args=[self.hash])


class Cinema(models.Model):
    class SingleSeats(models.TextChoices):
        """What checkout does with a selection that leaves one free seat alone while another would not."""

        REFUSE = "refuse"
        ALLOW = "allow"

    name = models.CharField(max_length=120, unique=True)
    slug = models.SlugField(max_length=120, unique=True)
    city = models.CharField(max_length=120, blank=True)
    address = models.CharField(max_length=250, blank=True)
    refund_fee = models.PositiveIntegerField(
        default=0, help_text="Minor units of each seat's price that the operator keeps when a buyer cancels"
    )

    single_seats = models.CharField(
        max_length=6, choices=SingleSeats, default="", blank=True, help_text="Empty: as SINGLE_SEATS says"
    )

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(single_seats__in=["", "refuse", "allow"]), name="single_seats_is_known")
        ]

    def __str__(self) -> str:
        return self.name


class RefundTier(models.Model):
    """The share of a price that is refunded up to a time before the start. Without tiers: all, until CANCEL_UNTIL."""

    cinema = models.ForeignKey(Cinema, on_delete=models.CASCADE, related_name="refund_tiers")
    minutes_before = models.PositiveIntegerField(help_text="Up to this many minutes before the start")
    percent = models.PositiveSmallIntegerField(help_text="Of the price, 1 to 100")

    class Meta:
        ordering = ["cinema", "-minutes_before"]
        constraints = [
            models.UniqueConstraint(fields=["cinema", "minutes_before"], name="one_refund_tier_per_moment"),
            models.CheckConstraint(condition=Q(percent__gte=1, percent__lte=100), name="refund_tier_is_a_percentage"),
        ]

    def __str__(self) -> str:
        return f"{self.percent} % until {self.minutes_before} min before"


class SeatingPlan(models.Model):
    """The drawing of a screen's seats. Immutable: a changed drawing is a new row with another hash."""

    class Stage(models.TextChoices):
        """The side of the drawing where the screen or stage is."""

        TOP = "top"
        BOTTOM = "bottom"
        LEFT = "left"
        RIGHT = "right"

    hash = models.CharField(max_length=32, unique=True, help_text="Of everything a browser draws")
    name = models.CharField(max_length=120)
    width = models.FloatField(help_text="In seat pitches")
    height = models.FloatField(help_text="In seat pitches")
    areas = models.JSONField(default=list, help_text="Drawing only: validated shapes and texts, in seat pitches")
    stage = models.CharField(max_length=6, choices=Stage, default=Stage.TOP, help_text="The side of the drawing")
    focal_x = models.FloatField(null=True, help_text="In seat pitches; empty: two thirds of the way back")
    focal_y = models.FloatField(null=True, help_text="In seat pitches")
    links = models.JSONField(
        default=dict, help_text="Seats that the plan names for others, by index; all others are derived"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(focal_x=None, focal_y=None) | Q(focal_x__isnull=False, focal_y__isnull=False),
                name="focal_point_has_both_coordinates",
            ),
            models.CheckConstraint(condition=Q(stage__in=["top", "bottom", "left", "right"]), name="stage_is_a_side"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.hash[:8]})"


class SeatCategoryQuerySet(models.QuerySet["SeatCategory"]):
    def sold(self) -> SeatCategoryQuerySet:
        """Those that need a price: with a seat that is for sale."""
        return self.filter(Exists(Seat.objects.filter(category=OuterRef("pk"), for_sale=True)))


class SeatCategory(models.Model):
    plan = models.ForeignKey(SeatingPlan, on_delete=models.CASCADE, related_name="categories")
    key = models.SlugField(max_length=60)
    name = models.CharField(max_length=120)
    color = models.CharField(max_length=9, help_text="As the plan gives it, #rrggbb")
    seat_colour = models.CharField(
        max_length=12, default="ice", db_column="cloth", help_text="The nearest of the product's seat colours"
    )
    position = models.PositiveSmallIntegerField(default=0)

    objects = SeatCategoryQuerySet.as_manager()

    class Meta:
        ordering = ["plan", "position"]
        verbose_name_plural = "seat categories"
        constraints = [models.UniqueConstraint(fields=["plan", "key"], name="category_key_unique_in_plan")]

    def __str__(self) -> str:
        return self.name


class Seat(models.Model):
    """One chair of a plan. `index` is 0 to n-1; neighbours with the same `segment` are side by side."""

    class Kind(models.TextChoices):
        SEAT = "seat"
        WHEELCHAIR = "wheelchair"
        COMPANION = "companion"

    class Shape(models.TextChoices):
        """How it is drawn. Kind and category say what is sold."""

        CHAIR = "chair"
        RECLINER = "recliner"
        SOFA_START = "sofa-start"
        SOFA_END = "sofa-end"

    plan = models.ForeignKey(SeatingPlan, on_delete=models.CASCADE, related_name="seats")
    index = models.PositiveSmallIntegerField()
    label = models.CharField(max_length=40)
    row = models.CharField(max_length=30)
    number = models.CharField(max_length=10)
    zone = models.CharField(max_length=60, blank=True)
    segment = models.PositiveSmallIntegerField()
    x = models.FloatField(help_text="Centre, in seat pitches")
    y = models.FloatField(help_text="Centre, in seat pitches")
    turn = models.FloatField(default=0, help_text="Degrees clockwise")
    category = models.ForeignKey(SeatCategory, on_delete=models.PROTECT, related_name="seats")
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.SEAT)
    shape = models.CharField(max_length=12, choices=Shape, default=Shape.CHAIR)
    guid = models.CharField(max_length=120)
    for_sale = models.BooleanField(default=True)

    class Meta:
        ordering = ["plan", "index"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "index"], name="seat_index_unique_in_plan"),
            models.UniqueConstraint(fields=["plan", "label"], name="seat_label_unique_in_plan"),
            models.UniqueConstraint(fields=["plan", "guid"], name="seat_guid_unique_in_plan"),
        ]

    def __str__(self) -> str:
        return self.label


class Screen(models.Model):
    cinema = models.ForeignKey(Cinema, on_delete=models.CASCADE, related_name="screens")
    name = models.CharField(max_length=60)
    plan = models.ForeignKey(SeatingPlan, on_delete=models.PROTECT, related_name="screens", null=True, blank=True)

    class Meta:
        ordering = ["cinema", "name"]
        constraints = [models.UniqueConstraint(fields=["cinema", "name"], name="screen_name_unique_in_cinema")]

    def __str__(self) -> str:
        return f"{self.name}, {self.cinema}"


class ShowtimeQuerySet(models.QuerySet["Showtime"]):
    def with_movie_and_screen(self) -> ShowtimeQuerySet:
        """With movie, screen, cinema and plan, in one query."""
        return self.select_related("movie", "screen__cinema", "plan")

    def not_ended(self, at: datetime) -> ShowtimeQuerySet:
        return self.filter(ends_at__gt=at)

    def listed(self, at: datetime) -> ShowtimeQuerySet:
        """The showtimes to list: not cancelled, not ended, in order of time."""
        return self.with_movie_and_screen().not_ended(at).filter(cancelled_at=None).order_by("starts_at", "id")


class Showtime(models.Model):
    """One movie on one screen at one time, with the version and the counters of its seat map.

    `version`, `epoch`, the `n_…` counters and `revenue` are written by `booking` only, in the statement that takes the
    next version; they are exact whenever the row is read.
    """

    movie = models.ForeignKey(Movie, on_delete=models.PROTECT, related_name="showtimes")
    screen = models.ForeignKey(Screen, on_delete=models.PROTECT, related_name="showtimes")
    plan = models.ForeignKey(SeatingPlan, on_delete=models.PROTECT, related_name="showtimes")
    starts_at = models.DateTimeField(db_index=True)
    ends_at = models.DateTimeField()
    language = models.CharField(max_length=60, blank=True)
    subtitles = models.CharField(max_length=60, blank=True)
    format = models.CharField(max_length=30, blank=True)
    currency = models.CharField(max_length=3)
    prices = models.JSONField(default=dict, help_text="Minor units by category key, e.g. {'standard': 1250}")
    sales_open_at = models.DateTimeField(null=True, blank=True, help_text="Empty: at once")
    sales_close_at = models.DateTimeField(null=True, blank=True, help_text="Empty: 15 minutes after the start")
    cancelled_at = models.DateTimeField(null=True, blank=True)

    epoch = models.CharField(max_length=24, default=new_epoch, editable=False)
    version = models.BigIntegerField(default=0, editable=False)
    n_available = models.PositiveIntegerField(default=0, editable=False)
    n_locked = models.PositiveIntegerField(default=0, editable=False)
    n_booked = models.PositiveIntegerField(default=0, editable=False)
    n_blocked = models.PositiveIntegerField(default=0, editable=False)
    n_arrived = models.PositiveIntegerField(default=0, editable=False)
    revenue = models.PositiveBigIntegerField(default=0, editable=False, help_text="Minor units of booked seats")

    objects = ShowtimeQuerySet.as_manager()

    class Meta:
        ordering = ["starts_at", "id"]
        indexes = [
            # All columns that the finder filters by, except seats: counting is an index-only scan.
            models.Index(
                fields=["starts_at", "ends_at", "sales_close_at", "cancelled_at", "movie", "language", "screen"],
                name="showtime_for_the_finder",
            )
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["screen", "starts_at"], condition=Q(cancelled_at=None), name="showtime_unique_on_screen"
            ),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="showtime_ends_after_start"),
        ]

    def __str__(self) -> str:
        return f"{self.movie} · {self.starts_at:%a %d %b %H:%M} · {self.screen}"

    def get_absolute_url(self) -> str:
        return reverse("booking:showtime", args=[self.pk])

    @property
    def closes_at(self) -> datetime:
        """When sales close: `sales_close_at`, or 15 minutes after the start, but not after the end."""
        return self.sales_close_at or min(self.starts_at + timedelta(minutes=15), self.ends_at)

    def sales(self, at: datetime) -> SalesState:
        if self.cancelled_at is not None:
            return "cancelled"
        if at >= self.closes_at:
            return "closed"
        if self.sales_open_at is not None and at < self.sales_open_at:
            return "upcoming"
        return "open"

    @property
    def n_seats(self) -> int:
        return self.n_available + self.n_locked + self.n_booked + self.n_blocked
