"""Store films: one transaction from a file to the catalogue. A repeated import writes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import TypeVar

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from cinema.artwork import draw_all
from cinema.films.file import FileMovie, read_movies
from cinema.imports.bad_rows import BadFile, Summary
from cinema.models import Genre, Movie
from cinema.search_text import search_text_of

T = TypeVar("T")
BATCH_SIZE = 200  # rows per statement
RESERVED = "admin-dashboard"  # the address of a page
CONCURRENT_IMPORT = "was imported by somebody else at the same moment; run it again"


def import_movies(content: bytes, *, dry_run: bool = False) -> Summary:
    """Store the films of a file. Title and release date identify a film.

    Facts that the file does not have are not changed. A film without a poster gets drawn artwork. With `dry_run`
    everything but the drawing is checked, and nothing is stored.

    Raises:
        BadFile: with every bad row; nothing has been changed.
    """
    films = read_movies(content)
    try:
        with transaction.atomic():
            summary = _store(films, with_artwork=not dry_run)
            if dry_run:
                transaction.set_rollback(True)
    except IntegrityError as error:  # title and date, and slugs, are unique: another import stored the same film
        raise BadFile.whole(CONCURRENT_IMPORT) from error
    return summary


def draw_missing(movies: Iterable[Movie]) -> int:
    """Draw artwork for the saved films without a poster. An existing picture is kept.

    Returns:
        The number of films drawn.
    """
    bare = [movie for movie in movies if not movie.poster]
    for part in _parts(bare):
        pictures = [movie.picture for movie in part]
        draw_all(part)
        for movie, picture in zip(part, pictures, strict=True):
            movie.picture = picture or movie.picture
        Movie.objects.bulk_update(part, ["poster", "picture"])
    return len(bare)


def _store(films: Sequence[FileMovie], with_artwork: bool) -> Summary:
    known = {(movie.title, movie.release_date): movie for movie in _movies_called({film.title for film in films})}
    new = _create([film for film in films if film.key not in known])
    genres = _genres({name for film in films for name in film.genres})
    stored = new | known
    changed = _update([(film, known[film.key]) for film in films if film.key in known])
    changed |= _set_genres([(film, stored[film.key]) for film in films], genres)
    bare = {stored[film.key].pk for film in films if not stored[film.key].poster}
    if with_artwork:
        draw_missing(_by_pk(sorted(bare)))
    updated = (changed | bare) & {known[film.key].pk for film in films if film.key in known}
    return Summary(len(new), len(updated), len(films) - len(new) - len(updated))


def _movies_called(titles: set[str]) -> Iterator[Movie]:
    for part in _parts(sorted(titles)):
        yield from Movie.objects.filter(title__in=part).prefetch_related("genres")


def _by_pk(pks: Sequence[int]) -> Iterator[Movie]:
    for part in _parts(pks):
        yield from Movie.objects.filter(pk__in=part).prefetch_related("genres").order_by("pk")


def _create(films: Sequence[FileMovie]) -> dict[tuple[str, date | None], Movie]:
    taken = set(Movie.objects.values_list("slug", flat=True)) if films else set()
    movies = []
    for film in films:
        slug = free_slug(film, taken)
        taken.add(slug)
        movies.append(Movie(title=film.title, release_date=film.release_date, slug=slug, **film.facts))
    Movie.objects.bulk_create(movies, batch_size=BATCH_SIZE)
    return {(movie.title, movie.release_date): movie for movie in movies}


def free_slug(film: FileMovie, taken: set[str]) -> str:
    """A slug of the title, with the year and then a number if it is taken. Never RESERVED."""
    year = f"-{film.release_date.year}" if film.release_date else ""
    stem = slugify(film.title)[:180].strip("-_")
    tries = [stem] if stem and stem != RESERVED else []
    dated = f"{stem or 'film'}{year}"
    tries += [dated] if dated != RESERVED else []
    numbered = (f"{dated}-{n}" for n in range(2, len(taken) + 4))
    return next(slug for slug in (*tries, *numbered) if slug not in taken)


def _genres(names: set[str]) -> dict[str, Genre]:
    """Genres by name as in the file. Names that differ only in case are the same genre."""
    by_name = {genre.name.casefold(): genre for genre in Genre.objects.all()}
    slugs = {genre.slug for genre in by_name.values()}
    new: dict[str, Genre] = {}
    for name in sorted(names):
        if name.casefold() not in by_name:
            stem = slugify(name)[:50] or "genre"
            slug = next(s for s in (stem, *(f"{stem}-{n}" for n in range(2, len(slugs) + 3))) if s not in slugs)
            slugs.add(slug)
            new[name.casefold()] = by_name[name.casefold()] = Genre(name=name, slug=slug)
    Genre.objects.bulk_create(new.values(), batch_size=BATCH_SIZE)
    return {name: by_name[name.casefold()] for name in names}


def _update(pairs: Sequence[tuple[FileMovie, Movie]]) -> set[int]:
    changed = []
    fields: set[str] = set()
    for film, movie in pairs:
        other = {name: value for name, value in film.facts.items() if getattr(movie, name) != value}
        for name, value in other.items():
            setattr(movie, name, value)
        if other:
            movie.search_text = search_text_of(movie)  # bulk_update does not call pre_save
            changed.append(movie)
            fields |= {*other, "search_text"}
    if changed:
        Movie.objects.bulk_update(changed, sorted(fields), batch_size=BATCH_SIZE)
    return {movie.pk for movie in changed}


def _set_genres(pairs: Sequence[tuple[FileMovie, Movie]], genres: dict[str, Genre]) -> set[int]:
    """Replace the genres of films for which the file has any. Returns the ids of the changed films."""
    through = Movie.genres.through
    wanted = {movie.pk: {genres[name].pk for name in film.genres} for film, movie in pairs if film.genres}
    stored: dict[int, set[int]] = {pk: set() for pk in wanted}
    for part in _parts(list(wanted)):
        for movie_id, genre_id in through.objects.filter(movie_id__in=part).values_list("movie_id", "genre_id"):
            stored[movie_id].add(genre_id)
    changed = {pk for pk in wanted if wanted[pk] != stored[pk]}
    for part in _parts(sorted(pk for pk in changed if stored[pk])):
        through.objects.filter(movie_id__in=part).delete()
    through.objects.bulk_create(
        (through(movie_id=pk, genre_id=genre) for pk in sorted(changed) for genre in sorted(wanted[pk])),
        batch_size=BATCH_SIZE,
    )
    return changed


def _parts(things: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(things), BATCH_SIZE):
        yield things[start : start + BATCH_SIZE]
