"""The tags of locks in the seat model: a tab looks now, and sends its request much later."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import rule

from booking.pages.api import read_lock
from booking.refusals import LockChanged


class TagRules:
    """Of `SeatMachine`, whose `own`, `of` and `lapsed` say what a visitor has locked."""

    def __init__(self):
        super().__init__()
        self.looks = {}  # who -> (the tag that GET answered, the lock as the model knew it then)

    def lock_of(self, who):
        """What a tag is made of; None without a lock."""
        pk, own = self.own(who)
        return None if own is None or self.lapsed(own) else (pk, own.status, self.of(pk))

    def tag_now(self, who):
        return read_lock(self.showtime.pk, self.people[who], self.at).tag

    @rule(who=st.integers(0, 2))
    def look(self, who):
        self.looks[who] = (self.tag_now(who), self.lock_of(who))

    def expected(self, who):
        """The tags that a request names: of the last look; a tab that never looked knows of no lock."""
        tag, _ = self.looks.get(who, ("none", None))
        return frozenset((tag,))

    def has_changed(self, who):
        _, seen = self.looks.get(who, ("none", None))
        return seen != self.lock_of(who)

    def refuses_as_changed(self, who, act):
        with pytest.raises(LockChanged) as refusal:
            act()
        assert refusal.value.found.tag == self.tag_now(who)
