"""Read films in the format of TMDB's movie details (JSON), or name every bad row. No database, no clock.

The first film is row 1. Unknown keys are ignored, and null means that a fact is missing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from cinema.films.languages import language_name
from cinema.imports.bad_rows import BadFile, BadRow, read_json, shown
from cinema.plain_text import clean_text

JsonObject = dict[str, Any]
MAX_FILMS, MAX_LIST = 20_000, 2_000
CAST_KEPT = 30  # credits lists are much longer
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
FIRST_YEAR, LAST_YEAR = 1870, 2200
MAX_RUNTIME = 32_767  # minutes; the limit of the column
CODE = re.compile(r"[a-z]{2}")
SITES = {
    "youtube": (re.compile(r"[A-Za-z0-9_-]{11}"), "https://www.youtube.com/watch?v={}"),
    "vimeo": (re.compile(r"[0-9]{4,12}"), "https://vimeo.com/{}"),
}
KINDS = ("Trailer", "Teaser", "Clip")  # in order of preference; other kinds come last


@dataclass(frozen=True)
class FileMovie:
    """A film of the file. `facts` are fields of the model, only those that the file has."""

    row: int
    title: str
    release_date: date | None
    facts: dict[str, Any]
    genres: tuple[str, ...]

    @property
    def key(self) -> tuple[str, date | None]:
        """The identity of a film."""
        return self.title, self.release_date


class FilmReader:
    """Reads one film. Each method returns a usable value also after a refusal, so one pass finds every problem."""

    def __init__(self, row: int, problems: list[BadRow]) -> None:
        self.row = row
        self.problems = problems

    def refuse(self, field: str, reason: str) -> None:
        self.problems.append(BadRow(f"row {self.row}", field, reason))

    def text(self, found: JsonObject, key: str, path: str, most: int, lines: bool = False) -> str:
        value = found.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            self.refuse(path, "must be text")
            return ""
        try:
            text = clean_text(value, lines=lines)
        except ValueError as error:
            self.refuse(path, str(error))
            return ""
        if len(text) > most:
            self.refuse(path, f"has {len(text):,} characters; at most {most:,} are taken")
            return ""
        return text

    def number(self, found: JsonObject, key: str, most: float) -> float | None:
        value = found.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.refuse(key, "must be a number")
        elif (isinstance(value, float) and not math.isfinite(value)) or not 0 <= value <= most:
            self.refuse(key, f"must be a number from 0 to {most:,}")
        else:
            return value
        return None

    def object(self, found: JsonObject, key: str) -> JsonObject:
        value = found.get(key)
        if value is not None and not isinstance(value, dict):
            self.refuse(key, "must be an object")
        return value if isinstance(value, dict) else {}

    def objects(self, found: JsonObject, key: str, path: str) -> Iterator[tuple[str, JsonObject]]:
        value = found.get(key)
        if value is None:
            return
        if not isinstance(value, list):
            self.refuse(path, "must be a list")
        elif len(value) > MAX_LIST:
            self.refuse(path, f"has {len(value):,} entries; at most {MAX_LIST:,} are taken")
        else:
            for index, entry in enumerate(value):
                if isinstance(entry, dict):
                    yield f"{path}[{index}]", entry
                elif entry is not None:
                    self.refuse(f"{path}[{index}]", "must be an object")


def read_movies(content: bytes) -> list[FileMovie]:
    """The films of a file. Raises BadFile with every bad row."""
    data = read_json(content)
    if not isinstance(data, list):
        raise BadFile.whole("must be a JSON list of films")
    if len(data) > MAX_FILMS:
        raise BadFile.whole(f"has {len(data):,} films; at most {MAX_FILMS:,} are taken at once")
    problems: list[BadRow] = []
    movies = [_read_movie(entry, FilmReader(row, problems)) for row, entry in enumerate(data, start=1)]
    first: dict[tuple[str, date | None], int] = {}
    for movie in movies:
        if movie.title and movie.key in first:
            problems.append(
                BadRow(f"row {movie.row}", "title", f"{shown(movie.title)} is the film of row {first[movie.key]} again")
            )
        first.setdefault(movie.key, movie.row)
    if problems:
        raise BadFile(sorted(problems, key=lambda problem: int(problem.row.removeprefix("row "))))
    return movies


def _read_movie(entry: Any, read: FilmReader) -> FileMovie:
    if not isinstance(entry, dict):
        read.refuse("film", "must be an object")
        return FileMovie(read.row, "", None, {}, ())
    title = _title(entry, read)
    facts = {
        "tagline": read.text(entry, "tagline", "tagline", 200),
        "overview": read.text(entry, "overview", "overview", 20_000, lines=True),
        **_languages(entry, read),
        **_people(read.object(entry, "credits"), read),
        "runtime": _runtime(entry, read),
        "rating": _rating(entry, read),
        "trailer_url": _trailer(read.object(entry, "videos"), read),
    }
    read.text(entry, "poster_path", "poster_path", 2_000)
    genres = [read.text(genre, "name", f"{path}.name", 60) for path, genre in read.objects(entry, "genres", "genres")]
    said = {name: value for name, value in facts.items() if value is not None and value != "" and value != []}
    return FileMovie(read.row, title, _release_date(entry, read), said, tuple(dict.fromkeys(filter(None, genres))))


def _title(entry: JsonObject, read: FilmReader) -> str:
    before = len(read.problems)
    title = read.text(entry, "title", "title", 200)
    if not title and len(read.problems) == before:
        read.refuse("title", "is missing" if entry.get("title") is None else "is empty")
    return title


def _release_date(entry: JsonObject, read: FilmReader) -> date | None:
    value = entry.get("release_date")
    if value is None or value == "":
        return None
    try:
        day = date.fromisoformat(value) if isinstance(value, str) and DAY.fullmatch(value) else None
    except ValueError:
        day = None
    if day is None or not FIRST_YEAR <= day.year <= LAST_YEAR:
        read.refuse("release_date", f"{shown(value)} is no day such as 1927-03-13")
        return None
    return day


def _runtime(entry: JsonObject, read: FilmReader) -> int | None:
    value = read.number(entry, "runtime", MAX_RUNTIME)
    if value is not None and value != int(value):
        read.refuse("runtime", "must be whole minutes")
        return None
    return int(value) if value else None


def _rating(entry: JsonObject, read: FilmReader) -> Decimal | None:
    """One decimal; None without votes, or for 0 without a count of votes."""
    value = read.number(entry, "vote_average", 10)
    votes = read.number(entry, "vote_count", 10**12)
    if value is None or votes == 0 or (value == 0 and not votes):
        return None
    return Decimal(str(value)).quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)


def _languages(entry: JsonObject, read: FilmReader) -> JsonObject:
    """`original_language` and `spoken_languages`, as English names."""
    spoken: dict[str, str] = {}
    for path, language in read.objects(entry, "spoken_languages", "spoken_languages"):
        code = read.text(language, "iso_639_1", f"{path}.iso_639_1", 20)
        name = language_name(code, read.text(language, "english_name", f"{path}.english_name", 60))
        name = name or read.text(language, "name", f"{path}.name", 60)
        if name:
            spoken[code or name] = name
    code = read.text(entry, "original_language", "original_language", 20)
    original = language_name(code, spoken.get(code, "")) if code else ""
    if code and not (CODE.fullmatch(code) and original):
        read.refuse("original_language", f"{shown(code)} is no language code such as en")
    return {"original_language": original, "spoken_languages": list(dict.fromkeys(spoken.values()))}


def _people(credits: JsonObject, read: FilmReader) -> JsonObject:
    cast = [read.text(one, "name", f"{path}.name", 120) for path, one in read.objects(credits, "cast", "credits.cast")]
    directors = [
        read.text(one, "name", f"{path}.name", 120)
        for path, one in read.objects(credits, "crew", "credits.crew")
        if one.get("job") == "Director"
    ]
    names = list(dict.fromkeys(filter(None, directors)))
    while len(", ".join(names)) > 120:
        names.pop()
    return {"cast": list(dict.fromkeys(filter(None, cast)))[:CAST_KEPT], "director": ", ".join(names)}


def _trailer(videos: JsonObject, read: FilmReader) -> str:
    """The address of the best video: an official trailer, else a trailer, else the first of another kind."""
    best: list[tuple[bool, int, bool, int, str]] = []
    for number, (path, video) in enumerate(read.objects(videos, "results", "videos.results")):
        site, kind = video.get("site"), video.get("type")
        key = read.text(video, "key", f"{path}.key", 200)
        if not key or not isinstance(site, str) or site.casefold() not in SITES:
            continue
        pattern, address = SITES[site.casefold()]
        if not pattern.fullmatch(key):
            read.refuse(f"{path}.key", f"{shown(key)} is no video of {site.casefold().capitalize()}")
            continue
        rank = KINDS.index(kind) if kind in KINDS else len(KINDS)
        best.append((rank > 0, rank, video.get("official") is not True, number, address.format(key)))
    return min(best)[-1] if best else ""
