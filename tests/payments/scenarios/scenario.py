"""A scenario of money: a function of the world and the end that it must reach, in the order of definition."""

from dataclasses import dataclass

from tests.payments.scenarios.world import End

SCENARIOS = []


@dataclass(frozen=True)
class Scenario:
    run: object
    end: End

    def __str__(self):
        return self.run.__name__.replace("_", " ")

    def play(self, world):
        self.run(world)


def ends(end):
    """Register the decorated function as a scenario with this end."""

    def register(run):
        SCENARIOS.append(Scenario(run, end))
        return run

    return register
