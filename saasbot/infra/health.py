"""Whether the parts of this installation work: each part that runs here says how to ask it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from saasbot.infra.logging import get_logger

log = get_logger(__name__)

Probe = Callable[[], Awaitable[bool]]
PARTS = ("database", "runtime", "jobs")
_SECONDS = 3.0

_probes: dict[str, Probe] = {}


@dataclass(frozen=True, slots=True)
class Health:
    parts: dict[str, bool]

    @property
    def ok(self) -> bool:
        return all(self.parts.values())


def report_with(part: str, probe: Probe) -> None:
    """`probe` tells whether `part` works; it replaces an earlier one. A part without a probe does not run here: it is down."""
    _probes[part] = probe


async def read_health() -> Health:
    """Every part is asked at once; one that fails or does not answer within three seconds is down."""
    answers = await asyncio.gather(*(_ask(part) for part in PARTS))
    return Health(dict(zip(PARTS, answers, strict=True)))


async def _ask(part: str) -> bool:
    probe = _probes.get(part)
    if probe is None:
        return False
    try:
        return await asyncio.wait_for(probe(), _SECONDS)
    except Exception as error:  # noqa: BLE001  # whatever a part fails with, the answer is that it is down
        log.warning("health.probe_failed", part=part, error=repr(error))
        return False
