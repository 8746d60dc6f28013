"""Seeded runs of the hub over a transport that loses, repeats, reorders and delays: every state shown has existed."""

import asyncio
import logging

from realtime.live import hub, viewer, watched_showtime
from tests.realtime.live.test_hub_convergence import TRANSPORTS, one_run

AT_ONCE = 50
FIRST_SEED = 10_000  # `make test` uses the seeds below


def shorten():
    """The same rules with shorter intervals, as in the tests."""
    hub.SWEEP_INTERVAL, viewer.SYNC_INTERVAL = 0.02, 0.05
    watched_showtime.TICK, watched_showtime.GAP_TIMEOUT = 0.01, 0.03


async def run_many(runs):
    """(number of states shown, {seed: error})."""
    shown, faults = 0, {}
    for first in range(FIRST_SEED, FIRST_SEED + runs, AT_ONCE):
        seeds = range(first, min(first + AT_ONCE, FIRST_SEED + runs))
        results = await asyncio.gather(*(one_run(TRANSPORTS["chaos"], seed) for seed in seeds), return_exceptions=True)
        for seed, result in zip(seeds, results, strict=True):
            if isinstance(result, BaseException):
                faults[seed] = repr(result)
            else:
                shown += result
    return shown, faults


def many(runs):
    """The summary. Raises AssertionError with the seeds that failed."""
    shorten()
    logging.disable(logging.WARNING)  # the runs make the database fail now and then
    shown, faults = asyncio.run(run_many(runs))
    assert not faults, f"{len(faults)} of {runs} runs failed: {dict(list(faults.items())[:5])}"
    return f"{runs} seeded runs, {shown:,} states shown, every one true, all converged"
