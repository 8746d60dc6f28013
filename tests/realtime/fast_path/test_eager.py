"""Work that begins at once and is a task only from its first wait on."""

import asyncio

import pytest

from realtime.fast_path.eager import begin


async def test_work_that_does_not_wait_is_done_at_once_without_a_task():
    done = []

    async def work():
        done.append(1)

    assert begin(work()) is None
    assert done == [1]


async def test_work_that_waits_goes_on_with_what_it_waited_for():
    story, gate = [], asyncio.get_running_loop().create_future()

    async def work():
        story.append(await gate)
        await asyncio.sleep(0)
        await asyncio.sleep(0.001)
        story.append("end")

    task = begin(work())
    assert story == []
    gate.set_result("gate")
    await task
    assert story == ["gate", "end"]


async def test_an_error_of_what_it_waits_for_is_its_own():
    gate, caught = asyncio.get_running_loop().create_future(), []

    async def work():
        try:
            await gate
        except OSError as error:
            caught.append(error)
            raise ValueError from error

    task = begin(work())
    gate.set_exception(OSError())
    with pytest.raises(ValueError):
        await task
    assert caught


async def test_a_cancellation_runs_its_finally():
    ended = []

    async def work():
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(1)

    task = begin(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == [1]


async def test_an_error_before_any_wait_is_the_callers():
    async def work():
        raise ValueError

    with pytest.raises(ValueError):
        begin(work())
