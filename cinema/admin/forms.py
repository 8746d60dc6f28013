"""Forms of the admin site: lists with one name per line, prices per category, a plan from a file."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.admin.widgets import AdminURLFieldWidget
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cinema.currencies import money_text
from cinema.email_address import validate_address
from cinema.models import Cinema, Movie, RefundTier, Screen, SeatingPlan, Showtime
from cinema.plain_text import clean_text, join_lines
from cinema.prices import parse_fee, parse_price
from cinema.schedule import find_overlap, length_of, lock_screens


class PlainTextForm(forms.BaseForm):
    """A form whose texts are stored as imports store them, and mail addresses as everywhere."""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name, field in self.fields.items():
            if isinstance(field, forms.CharField) and isinstance(cleaned.get(name), str) and cleaned[name]:
                try:
                    cleaned[name] = self._clean_text(field, cleaned[name])
                except ValidationError as error:
                    self.add_error(name, error)
        return cleaned

    def _clean_text(self, field: forms.CharField, value: str) -> str:
        if isinstance(field, forms.EmailField):
            validate_address(value)
            return value
        try:
            text = clean_text(value, lines=isinstance(field.widget, forms.Textarea))
        except ValueError as error:
            raise ValidationError(_("The text %(reason)s.") % {"reason": error}) from error
        if field.required and not text:
            raise ValidationError(field.error_messages["required"])
        return text


class PlainModelForm(PlainTextForm, forms.ModelForm):  # type: ignore[type-arg]
    """The form of every model in the admin site."""


class LinesField(forms.Field):
    """A list of names, one per line."""

    widget = forms.Textarea

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, widget=forms.Textarea(attrs={"rows": 6, "class": "names"}), **options)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:
        try:
            names = [clean_text(line) for line in clean_text(value or "", lines=True).split("\n")]
        except ValueError as error:
            raise ValidationError(_("The text %(reason)s.") % {"reason": error}) from error
        if any(len(name) > 120 for name in names):
            raise ValidationError(_("Write one name a line, of at most 120 characters."))
        return list(dict.fromkeys(filter(None, names)))


class PriceField(forms.CharField):
    """A price as text; the value is in minor units. It reads each text that it shows."""

    parse = staticmethod(parse_price)

    def __init__(self, *, currency: str, **options: Any) -> None:
        self.currency = currency
        widget = forms.TextInput(attrs={"inputmode": "decimal", "size": 10, "class": "price"})
        super().__init__(max_length=20, widget=widget, **options)

    def prepare_value(self, value: Any) -> Any:
        return money_text(value, self.currency) if isinstance(value, int) else value

    def clean(self, value: Any) -> Any:
        if isinstance(value, int):  # a disabled field has the stored value
            return value
        try:
            return self.parse(super().clean(value), self.currency)
        except ValueError as error:
            raise ValidationError(_("The price %(reason)s.") % {"reason": error}) from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)


class FeeField(PriceField):
    """An amount that may be 0; empty is 0."""

    parse = staticmethod(parse_fee)

    def clean(self, value: Any) -> Any:
        return super().clean(value or "0")


class CinemaForm(PlainModelForm):
    refund_fee = FeeField(
        currency=settings.CURRENCY,
        required=False,
        label=gettext_lazy("Kept of each seat"),
        help_text=gettext_lazy("Of its price, when a buyer cancels."),
    )
    single_seats = forms.TypedChoiceField(
        required=False,
        choices=[("", gettext_lazy("As set for all cinemas")), *Cinema.SingleSeats.choices],
        label=gettext_lazy("Single seats"),
        help_text=gettext_lazy(
            "Whether checkout refuses seats that leave one free seat alone while others would not. A change counts "
            "within a minute."
        ),
    )

    class Meta:
        model = Cinema
        fields = ("name", "slug", "city", "address", "refund_fee", "single_seats")

    def clean_address(self) -> str:
        """On one line: it is read in calendars, mails and on pages."""
        return join_lines(self.cleaned_data["address"])


class RefundTierForm(PlainModelForm):
    percent = forms.IntegerField(
        min_value=1, max_value=100, help_text=gettext_lazy("Of the price; after the last of them nobody can cancel.")
    )

    class Meta:
        model = RefundTier
        fields = ("minutes_before", "percent")


class MovieForm(PlainModelForm):
    cast = LinesField(help_text=gettext_lazy("One name a line, the most important first."))
    spoken_languages = LinesField(help_text=gettext_lazy("One a line, the most spoken first: English, German …"))
    trailer_url = forms.URLField(
        label=gettext_lazy("Trailer"), required=False, max_length=200, assume_scheme="https", widget=AdminURLFieldWidget
    )

    class Meta:
        model = Movie
        fields = ("title", "slug", "cast", "spoken_languages", "trailer_url")  # the admin adds the others

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        if slug == "admin-dashboard":
            raise ValidationError(_("A page of the house has this address. Take another one."))
        return slug


class PlanFileForm(PlainTextForm, forms.Form):
    cinema = forms.CharField(max_length=120, help_text=gettext_lazy("Made if it is new."))
    screen = forms.CharField(max_length=60, help_text=gettext_lazy("Made if it is new."))
    file = forms.FileField(
        label=gettext_lazy("Plan"), help_text=gettext_lazy("JSON, from the editor at seats.pretix.eu or another tool.")
    )


class ShowtimeForm(PlainModelForm):
    """A showtime with a price for each category of its plan. `plan` is None until a screen is chosen."""

    plan: SeatingPlan | None = None

    class Meta:
        model = Showtime
        fields = ("movie", "screen", "starts_at", "ends_at")  # the admin adds the others

    def __init__(self, data: Any = None, *args: Any, **options: Any) -> None:
        super().__init__(data, *args, **options)
        is_sold = bool(self.instance.n_locked or self.instance.n_booked)
        suggested = {price_name(key): amount for key, amount in self._suggested().items()}
        if self.is_bound and data is not None and not any(name in data for name in self._price_names()):
            typed = data.copy()  # the screen is new: the form that was sent had no fields for its prices
            for name in self._price_names() & suggested.keys():
                typed[name] = money_text(suggested[name], self._currency)
            self.data = typed
        for name in self._price_names():
            self.initial.setdefault(name, suggested.get(name))
            self.fields[name].disabled = is_sold
        if "ends_at" in self.fields:
            self.fields["ends_at"].required = False

    def _price_names(self) -> set[str]:
        return {name for name in self.fields if name.startswith("price_")}

    @property
    def _currency(self) -> str:
        return self.instance.currency or settings.CURRENCY

    def _suggested(self) -> dict[str, int]:
        """Its own prices, or those of the last showtime with the same plan."""
        own: dict[str, int] = self.instance.prices
        if self.plan is None or (self.instance.plan_id == self.plan.pk and own):
            return own
        last = Showtime.objects.filter(plan=self.plan, currency=self._currency).order_by("-starts_at").first()
        return last.prices if last else {}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        self._keep_unchanged_times(cleaned)
        showtime = self.instance
        movie = cleaned.get("movie") or (showtime.movie if showtime.movie_id else None)
        screen: Screen | None = cleaned.get("screen") or (showtime.screen if showtime.screen_id else None)
        if screen is not None and self.plan is None:
            self.add_error("screen", _("This screen has no seating plan yet. Import one first."))
        if self.plan is not None:
            showtime.plan = self.plan
            showtime.currency = self._currency
            names = {category.key: price_name(category.key) for category in self.plan.categories.sold()}
            showtime.prices = {key: cleaned[name] for key, name in names.items() if cleaned.get(name) is not None}
        if movie is not None and cleaned.get("starts_at"):
            self._clean_times(cleaned, movie, screen)
        return cleaned

    def _keep_unchanged_times(self, cleaned: dict[str, Any]) -> None:
        """A field shows no fraction of a second, and not which of two equal hours in the night the clock goes back.

        So a time that nobody changed is read from the row, not from the field.
        """
        for name, field in self.fields.items():
            if isinstance(field, forms.SplitDateTimeField) and self.instance.pk and name not in self.changed_data:
                self.errors.pop(name, None)
                cleaned[name] = getattr(self.instance, name)

    def _clean_times(self, cleaned: dict[str, Any], movie: Movie, screen: Screen | None) -> None:
        starts_at = cleaned["starts_at"]
        moved = {"starts_at", "movie"} & set(self.changed_data) and "ends_at" not in self.changed_data
        if not cleaned.get("ends_at") and "ends_at" in self.errors:
            return
        if not cleaned.get("ends_at") or moved:
            cleaned["ends_at"] = starts_at + length_of(movie.runtime)
        if cleaned["ends_at"] <= starts_at:
            self.add_error("ends_at", _("It must end after it has begun."))
        elif "starts_at" in self.changed_data and starts_at <= timezone.now():
            self.add_error("starts_at", _("This is in the past."))
        elif screen is not None and not self.instance.cancelled_at:
            self._refuse_overlap(cleaned, screen)

    def _refuse_overlap(self, cleaned: dict[str, Any], screen: Screen) -> None:
        """Row-locks the screen until the form is saved, so that no other transaction adds a showtime there."""
        lock_screens({screen.pk})
        other = find_overlap(
            screen_id=screen.pk, starts_at=cleaned["starts_at"], ends_at=cleaned["ends_at"], exclude_id=self.instance.pk
        )
        if other is not None:
            words = {
                "movie": other.movie.title,
                "start": f"{timezone.localtime(other.starts_at):%Y-%m-%d %H:%M}",
                "end": f"{timezone.localtime(other.ends_at):%H:%M}",
                "screen": screen.name,
            }
            self.add_error("starts_at", _("Overlaps %(movie)s, %(start)s to %(end)s on %(screen)s.") % words)


def price_name(key: str) -> str:
    return f"price_{key}"


def showtime_form_of(plan: SeatingPlan | None, currency: str) -> type[ShowtimeForm]:
    """The form of a showtime with this plan: a price for each of its categories that is sold."""
    fields: dict[str, Any] = {
        price_name(category.key): PriceField(currency=currency, label=f"{category.name}, {currency}")
        for category in (plan.categories.sold() if plan else ())
    }
    return type("ShowtimeForm", (ShowtimeForm,), {**fields, "plan": plan, "Meta": ShowtimeForm.Meta})
