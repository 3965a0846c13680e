"""Files on the simulated network: what customers attach, and what the number sends."""

import hashlib
from dataclasses import dataclass
from typing import Any

from saasbot.domain.actor import Actor
from saasbot.infra.errors import InvalidInput
from saasbot.infra.file_types import sniff, type_of
from saasbot.infra.storage import storage
from saasbot.models.table import new_id

MAX_BYTES = 100 * 1024 * 1024
"""WhatsApp's limit for a document, in bytes."""


@dataclass(frozen=True, slots=True)
class SimMedia:
    key: str
    mime: str
    size: int
    sha256: str
    file_name: str | None = None
    voice: bool = False

    @property
    def row(self) -> dict[str, Any]:
        """As `sim_message.payload` keeps it."""
        return {
            "mime": self.mime,
            "size": self.size,
            "sha256": self.sha256,
            "file_name": self.file_name,
            "voice": self.voice,
        }


async def keep(
    actor: Actor, content: bytes, *, mime: str | None = None, file_name: str | None = None, voice: bool = False
) -> SimMedia:
    """The file lies on the network's servers. Without `mime` its type is what its bytes show.

    Raises: InvalidInput, StorageUnavailable.
    """
    if not content:
        raise InvalidInput("media", "The file is empty.")
    if len(content) > MAX_BYTES:
        raise InvalidInput("media", "The file is larger than 100 MB.")
    seen = sniff(content)
    key = f"{actor.company_id}/simulator/{new_id()}.{type_of(seen).suffix}"
    await storage().put(key, content, seen)
    return SimMedia(key, mime or seen, len(content), hashlib.sha256(content).hexdigest(), file_name, voice)


def key_of_path(actor: Actor, direct_path: str) -> str:
    """The key of the file that a message's `directPath` names, always within the actor's company."""
    return f"{actor.company_id}/simulator/{direct_path.rpartition('/')[2]}"
