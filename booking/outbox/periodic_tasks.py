"""The registry of periodic tasks. Each app registers its own when the apps are ready; the loop runs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

Task = Callable[[datetime], object]


@dataclass
class PeriodicTask:
    """A registered task and when it is due next."""

    name: str
    every: timedelta
    task: Task
    due_at: float = 0.0  # on the monotonic clock


_registered: dict[str, PeriodicTask] = {}


def register_periodic_task(name: str, every: timedelta, task: Task) -> None:
    """Call `task(at)` about once per `every`, in the process whose loop holds the lease. It may be called late."""
    _registered[name] = PeriodicTask(name, every, task)


def new_schedule() -> list[PeriodicTask]:
    """A copy of every registered task, due at once."""
    return [replace(each, due_at=0.0) for each in _registered.values()]
