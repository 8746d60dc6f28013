"""The text that a search compares with: title, director and cast of a film, without capitals and accents."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    TextField = models.TextField[str, str]
else:
    TextField = models.TextField

MAX_WORDS = 8  # of a search


def fold(text: str) -> str:
    """Without case, accents and repeated spaces: `Gröde` and `grode` are equal."""
    apart = unicodedata.normalize("NFKD", text).casefold()  # in this order: "™" is "TM" before it is "tm"
    plain = unicodedata.normalize("NFKD", apart)
    return " ".join("".join(letter for letter in plain if not unicodedata.combining(letter)).split())


def search_text_of(movie: Any) -> str:
    return fold(" ".join([movie.title, movie.director, *(str(name) for name in movie.cast or [])]))


def words_of(search: str) -> list[str]:
    """The folded words of a search; a film matches if it has all of them."""
    return fold(search.replace("\0", " ")).split()[:MAX_WORDS]


class SearchTextField(TextField):
    """Computed whenever a film is saved or created. After `update` or `bulk_update` of its sources set it by hand."""

    def pre_save(self, instance: models.Model, add: bool) -> str:
        text = search_text_of(instance)
        setattr(instance, self.attname, text)
        return text
