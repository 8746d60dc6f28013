"""`pg_restore` of an older dump under load, with many open maps on two processes."""

import asyncio

from tests.realtime.restored_shop import restored_under_load


def under_load(n_maps):
    return asyncio.run(restored_under_load(n_maps=n_maps, seconds=10, rate=50, n_showtimes=4))
