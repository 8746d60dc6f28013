"""Filters of the list of showtimes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy

from cinema.models import Screen, Showtime


class ScreenFilter(admin.SimpleListFilter):
    """By screen, with the name of its cinema; one query."""

    title = gettext_lazy("screen")
    parameter_name = "screen__id__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(screen.pk), str(screen)) for screen in Screen.objects.select_related("cinema")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Showtime]) -> QuerySet[Showtime]:
        chosen = [int(key) for key, _name in self.lookup_choices if key == self.value()]
        return queryset.filter(screen__in=chosen) if self.value() else queryset


class WhenFilter(admin.SimpleListFilter):
    """By time: showtimes that have not ended by default, or the past, or all."""

    title = gettext_lazy("time")
    parameter_name = "when"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("past", gettext_lazy("Past")), ("all", gettext_lazy("All"))]

    def choices(self, changelist: Any) -> Iterator[Any]:
        for key, words in ((None, gettext_lazy("To come")), *self.lookup_choices):
            wanted = {self.parameter_name: key} if key else {}
            query = changelist.get_query_string(wanted, [] if key else [self.parameter_name])
            yield {"selected": self.value() == key, "query_string": query, "display": words}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Showtime]) -> QuerySet[Showtime]:
        if self.value() == "all":
            return queryset
        over = Q(ends_at__lte=timezone.now())
        return queryset.filter(over) if self.value() else queryset.exclude(over)
