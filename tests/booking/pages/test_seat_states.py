"""The states of a seat have one source on the server; the page carries letters and words to its script."""

import json
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from bench.support.factories import make_showtime
from booking.models import ShowtimeSeat
from booking.pages.hall_view import CHOOSABLE, SEAT_STATES, STATUS, WORDS
from booking.seats.rows import LETTERS

STATUSES = tuple(ShowtimeSeat.Status.values)
SHEET = Path(settings.BASE_DIR, "static/css/seat-map.css").read_text()
TAKEN = "taken"  # also the name of an event of a seat, `data-event`
SCRIPTS = {path.name: path.read_text() for path in Path(settings.BASE_DIR, "static/js").glob("*.js")}


def faults_of(statuses, letters, words, sheet):
    """What a state lacks: a letter of its own, a word, a look; and what has no state."""
    shown = {*statuses, "mine"}
    drawn = set(re.findall(r'\[data-status="(\w+)"\] \.chair', sheet))
    return [
        *(f"{status} has no letter" for status in set(statuses) - set(letters)),
        *(f"{status} has a letter and is no status" for status in set(letters) - set(statuses)),
        *(
            f"two states have the letter {letter}"
            for letter in letters.values()
            if list(letters.values()).count(letter) > 1
        ),
        *(f"{status} has no word" for status in shown - set(words)),
        *(f"{status} has a word and is no state" for status in set(words) - shown),
        *(f"{status} has no look" for status in shown - drawn),
        *(f"{status} has a look and is no state" for status in drawn - shown),
    ]


def test_each_state_has_a_letter_a_word_and_a_look():
    assert not faults_of(STATUSES, {str(status): letter for status, letter in LETTERS.items()}, WORDS, SHEET)


LOOK = '\n[data-status="reserved"] .chair { opacity: .5; }'


@pytest.mark.parametrize(
    ("status", "letter", "word", "look"),
    [(True, False, False, False), (False, True, False, False), (False, False, True, False), (False, False, False, True)]
    + [(False, True, True, True), (True, False, True, True), (True, True, False, True), (True, True, True, False)],
)
def test_a_state_that_is_missing_somewhere_is_found(status, letter, word, look):
    letters = {str(each): sign for each, sign in LETTERS.items()}
    added = [(*STATUSES, "reserved"), letters | {"reserved": "R"}, WORDS | {"reserved": "reserved"}, SHEET + LOOK]
    given = [
        new if is_added else old
        for new, old, is_added in zip(
            added, (STATUSES, letters, WORDS, SHEET), (status, letter, word, look), strict=True
        )
    ]
    assert faults_of(*given)
    assert not faults_of(*added)


def test_a_letter_that_two_states_have_is_found():
    assert faults_of((*STATUSES, "reserved"), LETTERS | {"reserved": "L"}, WORDS | {"reserved": ""}, SHEET + LOOK)


def test_the_states_of_a_page_are_those_of_the_rows():
    assert {status: letter for letter, status in STATUS.items()} == LETTERS
    assert set(CHOOSABLE) <= set(WORDS)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_has_no_letter_and_no_word_of_its_own(name):
    strings = re.findall(r"\"([^\"\n]*)\"|'([^'\n]*)'", SCRIPTS[name])
    letters = [text for text in map("".join, strings) if text and set(text) <= set(LETTERS.values())]
    words = [word for word in set(WORDS.values()) - set(WORDS) - {TAKEN} if f'"{word}"' in SCRIPTS[name]]
    assert not letters + words


@pytest.mark.django_db
def test_the_page_of_a_showtime_carries_the_states(client):
    page = client.get(make_showtime(at=timezone.now()).get_absolute_url()).content.decode()
    [carried] = re.findall(r'<script id="seat-states" type="application/json">(.*?)</script>', page)
    assert json.loads(carried) == json.loads(json.dumps(SEAT_STATES))
