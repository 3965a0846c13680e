"""Calls into the library never overlap with a client that starts or stops."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from saasbot.wa_runtime import neonize_gate
from saasbot.wa_runtime.neonize_gate import Gate, GatedLibrary, NotPassed, passed


async def test_calls_wait_while_the_gate_is_shut():
    gate, passed = Gate(), []
    await gate.shut()
    call = asyncio.create_task(asyncio.to_thread(gate.passing, passed.append, 1))
    await asyncio.sleep(0.05)
    assert passed == []
    gate.open()
    await call
    assert passed == [1]


async def test_a_long_call_does_not_keep_the_gate_from_shutting():
    gate, release, started = Gate(), threading.Event(), threading.Event()

    def long_call() -> None:
        started.set()
        release.wait(10)

    call = asyncio.create_task(asyncio.to_thread(gate.passing, long_call))
    await asyncio.to_thread(started.wait)
    await asyncio.wait_for(gate.shut(), 5)
    gate.open()
    release.set()
    await call


async def test_one_shuts_it_at_a_time():
    gate, order = Gate(), []

    async def alone(name: str) -> None:
        await gate.shut()
        order.append(f"{name} in")
        await asyncio.sleep(0)
        order.append(f"{name} out")
        gate.open()

    await asyncio.gather(alone("a"), alone("b"), alone("c"))
    assert order == ["a in", "a out", "b in", "b out", "c in", "c out"]


async def test_a_shutting_that_is_cancelled_leaves_it_open():
    gate = Gate()
    await gate.shut()
    waiting = asyncio.create_task(gate.shut())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    gate.open()
    assert await asyncio.to_thread(gate.passing, lambda: "passed") == "passed"


async def test_the_library_is_called_in_threads_and_through_the_gate():
    class Library:
        @staticmethod
        def SendMessage(value: int) -> tuple[int, bool]:
            return value, threading.current_thread() is threading.main_thread()

        Stop = SendMessage

    gate = Gate()
    library = GatedLibrary(Library, gate)
    assert await library.SendMessage(5) == (5, False)
    await gate.shut()
    assert await library.Stop(6) == (6, False)  # whoever stops a client holds the gate
    waiting = asyncio.ensure_future(library.SendMessage(7))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    gate.open()
    assert await waiting == (7, False)


async def test_however_many_calls_wait_the_gate_shuts_again_and_clients_start_and_stop():
    class Library:
        @staticmethod
        def SendMessage(number: int) -> int:
            return number

        Neonize = Stop = SendMessage

    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(4))
    gate = Gate()
    library = GatedLibrary(Library, gate)
    await gate.shut()
    waiting = asyncio.gather(*(library.SendMessage(number) for number in range(300)))
    try:
        await asyncio.sleep(0.1)
        assert await asyncio.wait_for(library.Neonize(1), 5) == 1
        for _ in range(3):
            again = asyncio.create_task(gate.shut())
            await asyncio.sleep(0)  # the next number is waiting for its turn
            gate.open()
            await asyncio.wait_for(again, 5)
            assert await asyncio.wait_for(library.Stop(2), 5) == 2
            assert await asyncio.wait_for(asyncio.to_thread(lambda: 3), 5) == 3  # so does the lease
    finally:
        gate.open()
    assert await asyncio.wait_for(waiting, 5) == list(range(300))


async def test_who_has_waited_passes_before_the_gate_shuts_again():
    gate, passed = Gate(), []
    await gate.shut()
    calls = [asyncio.create_task(gate.run(passed.append, number)) for number in range(50)]
    await asyncio.sleep(0.1)
    again = asyncio.create_task(gate.shut())
    await asyncio.sleep(0)
    gate.open()
    await asyncio.wait_for(again, 5)
    await asyncio.sleep(0.1)
    assert sorted(passed) == list(range(50))
    gate.open()
    await asyncio.gather(*calls)


async def test_a_call_is_under_way_when_it_has_passed_and_not_before():
    class Library:
        @staticmethod
        def Ask() -> str:
            answered.wait(10)
            return "yes"

    gate, answered = Gate(), threading.Event()
    await gate.shut()
    asking = asyncio.create_task(passed(GatedLibrary(Library, gate).Ask()))
    await asyncio.sleep(0.05)
    assert not asking.done()
    gate.open()
    call = await asyncio.wait_for(asking, 5)
    assert not call.done()
    answered.set()
    assert await call == "yes"


async def test_a_call_that_fails_before_it_passes_is_over():
    async def fails() -> None:
        raise ValueError

    assert isinstance((await asyncio.wait_for(passed(fails()), 5)).exception(), ValueError)


async def test_a_call_that_does_not_pass_in_time_is_never_made(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(neonize_gate, "PASS_SECONDS", 0.05)
    gate, made = Gate(), []
    await gate.shut()
    with pytest.raises(NotPassed):
        await asyncio.wait_for(passed(gate.run(made.append, 1)), 5)
    gate.open()
    await asyncio.wait_for(gate.shut(), 5)  # who waited has gone
    gate.open()
    await gate.run(made.append, 2)
    assert made == [2]


async def test_a_call_that_nobody_waits_for_any_more_is_never_made():
    gate, made = Gate(), []
    await gate.shut()
    waiting = asyncio.create_task(passed(gate.run(made.append, 1)))
    await asyncio.sleep(0.05)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    gate.open()
    await asyncio.wait_for(gate.shut(), 5)
    gate.open()
    assert made == []


async def test_a_call_that_has_passed_may_take_longer_than_one_may_wait(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(neonize_gate, "PASS_SECONDS", 0.05)
    gate, answered = Gate(), threading.Event()
    call = await passed(gate.run(answered.wait, 10))
    await asyncio.sleep(0.1)
    answered.set()
    assert await call is True
