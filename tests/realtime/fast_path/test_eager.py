"""Work that starts at once and is a task only from its first wait; where asyncio has changed, a task from the start."""

import asyncio

import pytest

from realtime.fast_path import eager
from realtime.fast_path.eager import choose_start, start_as_task, start_at_once


@pytest.fixture(params=[start_at_once, start_as_task], ids=["at once", "as a task"])
def start(request):
    return request.param


async def test_work_that_does_not_wait_is_done_at_once_without_a_task():
    done = []

    async def work():
        done.append(1)

    assert start_at_once(work()) is None
    assert done == [1]


async def test_work_that_waits_continues_with_what_it_waited_for(start):
    seen, waited_for = [], asyncio.get_running_loop().create_future()

    async def work():
        seen.append(await waited_for)
        await asyncio.sleep(0)
        await asyncio.sleep(0.001)
        seen.append("end")

    task = start(work())
    assert seen == []
    waited_for.set_result("result")
    await task
    assert seen == ["result", "end"]


async def test_work_gets_the_error_of_what_it_waits_for(start):
    waited_for, caught = asyncio.get_running_loop().create_future(), []

    async def work():
        try:
            await waited_for
        except OSError as error:
            caught.append(error)
            raise ValueError from error

    task = start(work())
    waited_for.set_exception(OSError())
    with pytest.raises(ValueError):
        await task
    assert caught


async def test_a_cancellation_runs_its_finally(start):
    ended = []

    async def work():
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(1)

    task = start(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == [1]


async def test_an_error_before_any_wait_is_raised_in_the_caller():
    async def work():
        raise ValueError

    with pytest.raises(ValueError):
        start_at_once(work())


def test_without_the_private_name_of_a_future_every_send_is_a_task(monkeypatch, caplog):
    assert choose_start() is eager.begin is start_at_once
    monkeypatch.setattr(asyncio, "Future", type("Future", (), {}))
    assert choose_start() is start_as_task
    assert "_asyncio_future_blocking" in caplog.text
