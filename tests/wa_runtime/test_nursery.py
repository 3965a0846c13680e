"""Processes forked from the nursery are as separate as any, and their ends are known, whoever dies first."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from saasbot.infra import process_identity
from saasbot.wa_runtime import child as child_module
from saasbot.wa_runtime import forked
from saasbot.wa_runtime.child import Child
from tests.fixtures.simulator import until

MODULE = "tests.wa_runtime.obedient_process"
ROOT = Path(__file__).parents[2]
SECONDS = 40.0


class Obedient:
    """A child and what it says."""

    def __init__(self, folder: Path) -> None:
        self.log_file = folder / "child.log"
        self._said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.child = Child(MODULE, self.log_file, self._said.put_nowait)

    async def itself(self) -> dict[str, Any]:
        return await self.told(tell="itself")

    async def told(self, **order: str) -> dict[str, Any]:
        """What it answers."""
        self.child.tell(order)
        return await asyncio.wait_for(self._said.get(), SECONDS)

    async def end(self) -> int:
        return await asyncio.wait_for(self.child.wait(), SECONDS)


Start = Callable[[], Awaitable[Obedient]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    made: list[Obedient] = []

    async def one() -> Obedient:
        made.append(Obedient(tmp_path))
        await made[-1].child.start()
        return made[-1]

    yield one
    for obedient in made:
        await obedient.child.end(5)


def _exists(pid: int | None) -> bool:
    """Whether that process runs; one that has ended and waits to be asked for does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat[stat.rindex(")") + 2] != "Z"


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"exit": 0}, 0),
        ({"exit": 3}, 3),
        ({"signal": signal.SIGABRT}, child_module.GO_CRASH),
        ({"signal": signal.SIGSEGV}, -signal.SIGSEGV),
        ({"raise": "no reason"}, 1),
    ],
)
async def test_how_a_process_ended_is_known(start: Start, order: dict[str, Any], code: int):
    obedient = await start()
    obedient.child.tell(order)
    assert await obedient.end() == code
    assert not obedient.child.alive
    assert not Path(f"/proc/{obedient.child.pid}").exists()
    assert ("ValueError: no reason" in obedient.log_file.read_text()) == ("raise" in order)


async def test_a_killed_process_leaves_its_siblings_and_the_nursery_alone(start: Start):
    killed, other = await start(), await start()
    nursery = forked.nursery_pid()
    os.kill(killed.child.pid, signal.SIGKILL)
    assert await killed.end() == -signal.SIGKILL
    killed.child.kill()  # once more, and nobody is hit
    assert (await other.itself())["parent"] == nursery == forked.nursery_pid()


async def test_asked_to_end_it_ends_and_else_it_is_killed(start: Start):
    asked, deaf = await start(), await start()
    await asked.child.end(SECONDS)
    assert await asked.end() == -signal.SIGTERM
    await deaf.told(be="deaf")
    await deaf.child.end(0.1)
    assert await deaf.end() == -signal.SIGKILL


async def test_each_is_a_process_of_its_own(start: Start):
    first = await start()
    one, two = await first.itself(), await (second := await start()).itself()
    assert one["descriptors"] == two["descriptors"] == [0, 1, 2]
    assert one["random"] != two["random"]
    for found, obedient in ((one, first), (two, second)):
        assert found["session"] == obedient.child.pid
        assert f"/{obedient.child.pid}/" in found["identity"]
        assert not process_identity.is_dead(found["identity"])
        assert Path(f"/proc/{obedient.child.pid}/comm").read_text() == "wa-obedient_pro\n"
    first.child.tell({"exit": 0})
    await first.end()
    assert process_identity.is_dead(one["identity"])


async def test_the_nursery_has_one_thread_and_neither_the_library_nor_a_connection(start: Start):
    await start()
    nursery = Path(f"/proc/{forked.nursery_pid()}")
    assert len(list((nursery / "task").iterdir())) == 1
    maps = (nursery / "maps").read_text()
    assert "psycopg" in maps
    assert "neonize" not in maps
    opened = [os.readlink(entry) for entry in (nursery / "fd").iterdir()]
    told = 2 * 1  # of its only child: a pidfd and a socket
    assert len(opened) == len(["input", "output", "error", "line"]) + told, opened


async def test_processes_outlive_a_killed_nursery_and_the_next_one_gets_another(start: Start):
    orphan = await start()
    nursery = forked.nursery_pid()
    assert nursery is not None
    os.kill(nursery, signal.SIGKILL)
    await until(lambda: _soon(not _exists(nursery)), "the nursery dead", SECONDS)
    assert (await orphan.itself())["descriptors"] == [0, 1, 2]
    assert orphan.child.alive
    younger = await start()
    assert (await younger.itself())["parent"] == forked.nursery_pid() != nursery
    os.kill(orphan.child.pid, signal.SIGKILL)
    assert await orphan.end() == forked.UNSEEN
    younger.child.tell({"exit": 3})
    assert await younger.end() == 3


async def test_the_end_of_a_process_is_seen_though_its_nursery_hangs(start: Start, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(forked, "_TELLS_SECONDS", 0.1)
    child = await start()
    nursery = forked.nursery_pid()
    assert nursery is not None
    os.kill(nursery, signal.SIGSTOP)
    try:
        os.kill(child.child.pid, signal.SIGKILL)
        async with asyncio.timeout(SECONDS):
            assert await child.end() == forked.UNSEEN
    finally:
        os.kill(nursery, signal.SIGCONT)


async def test_what_is_inherited_is_what_the_app_has_now(start: Start, monkeypatch: pytest.MonkeyPatch):
    older = await start()
    nursery = forked.nursery_pid()
    monkeypatch.setenv("A_SETTING", "new")
    younger = await start()
    assert ((await older.itself())["setting"], (await younger.itself())["setting"]) == (None, "new")
    older.child.tell({"exit": 3})
    assert await older.end() == 3  # its nursery has waited for it
    await until(lambda: _soon(not _exists(nursery)), "the older nursery gone", SECONDS)


async def test_a_service_that_is_asked_to_end_keeps_its_nursery_to_the_last(start: Start):
    obedient = await start()
    nursery = forked.nursery_pid()
    assert nursery is not None
    os.kill(nursery, signal.SIGTERM)
    os.kill(obedient.child.pid, signal.SIGTERM)
    assert await obedient.end() == -signal.SIGTERM
    assert _exists(nursery)


async def test_a_start_that_is_given_up_leaves_no_process(start: Start, tmp_path: Path):
    await start()
    nursery = forked.nursery_pid()
    assert nursery is not None
    os.kill(nursery, signal.SIGSTOP)
    starting = asyncio.create_task(Obedient(tmp_path).child.start())
    await asyncio.sleep(0)
    await asyncio.sleep(0.1)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    os.kill(nursery, signal.SIGCONT)
    last = await start()  # after that one: the nursery does one thing after the other

    async def only_ours() -> bool:
        children = Path(f"/proc/{nursery}/task/{nursery}/children").read_text().split()
        return len(children) == 2 and str(last.child.pid) in children

    await until(only_ours, "nothing left of it", SECONDS)


async def test_a_nursery_that_hangs_is_replaced(start: Start, monkeypatch: pytest.MonkeyPatch):
    older, nursery = await start(), forked.nursery_pid()
    assert nursery is not None
    os.kill(nursery, signal.SIGSTOP)
    with monkeypatch.context() as hurried:
        hurried.setattr(forked, "START_SECONDS", 0.2)
        with pytest.raises(OSError):
            await start()
    assert (await (await start()).itself())["parent"] not in (nursery, None)
    assert not _exists(nursery)
    assert await older.itself()


async def test_a_nursery_that_cannot_start_is_an_error_of_the_start(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(forked, "MODULE", "tests.wa_runtime.no_such_program")
    with pytest.raises(OSError, match=r"nursery\.log"):
        await start()


async def test_where_nothing_can_be_forked_it_starts_by_itself(start: Start, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(child_module, "POSSIBLE", False)
    obedient = await start()
    assert (await obedient.itself())["parent"] == os.getpid()
    obedient.child.tell({"exit": 3})
    assert await obedient.end() == 3


async def test_a_killed_app_leaves_neither_nursery_nor_processes(tmp_path: Path):
    app = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.wa_runtime.small_app", str(tmp_path), cwd=ROOT, stdout=subprocess.PIPE
    )
    assert app.stdout is not None
    child, nursery = json.loads(await asyncio.wait_for(app.stdout.readline(), SECONDS))
    assert _exists(child)
    assert _exists(nursery)
    app.kill()
    await app.wait()
    await until(lambda: _soon(not _exists(child)), "the process gone", SECONDS)
    await until(lambda: _soon(not _exists(nursery)), "the nursery gone", SECONDS)


async def _soon(known: bool) -> bool:
    return known
