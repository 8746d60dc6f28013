"""What a story of money is: a function of the world with its end, kept in the order of telling."""

from dataclasses import dataclass

from tests.payments.scenarios.world import End

STORIES = []


@dataclass(frozen=True)
class Timeline:
    tell: object
    end: End

    def __str__(self):
        return self.tell.__name__.replace("_", " ")

    def live(self, world):
        self.tell(world)


def ends(end):
    def keep(tell):
        STORIES.append(Timeline(tell, end))
        return tell

    return keep
