"""Calls into the library never overlap with a client that starts or stops."""

import asyncio
import threading

from saasbot.wa_runtime.neonize_gate import Gate, GatedLibrary


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
