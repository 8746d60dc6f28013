"""What a search looks through: a film's title, director and cast without capitals and accents."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    TextField = models.TextField[str, str]
else:
    TextField = models.TextField

MOST_WORDS = 8


def fold(text: str) -> str:
    """`Gröde` and `grode` are the same to somebody who types on a phone."""
    apart = unicodedata.normalize("NFKD", text).casefold()  # in this order: "™" is "TM" before it is "tm"
    plain = unicodedata.normalize("NFKD", apart)
    return " ".join("".join(letter for letter in plain if not unicodedata.combining(letter)).split())


def search_text_of(movie: Any) -> str:
    return fold(" ".join([movie.title, movie.director, *(str(name) for name in movie.cast or [])]))


def words_of(question: str) -> list[str]:
    """The folded words of a search, every one of which must occur."""
    return fold(question.replace("\0", " ")).split()[:MOST_WORDS]


class SearchTextField(TextField):
    """Computed from the film whenever it is saved or created; `update` and `bulk_update` of its sources must set it."""

    def pre_save(self, instance: models.Model, add: bool) -> str:
        text = search_text_of(instance)
        setattr(instance, self.attname, text)
        return text
