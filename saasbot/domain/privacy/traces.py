"""How a person is found in bytes and in JSON: by the addresses that WhatsApp knows them by."""

from collections.abc import Sequence
from dataclasses import dataclass

_SERVERS = {"phone": "s.whatsapp.net", "lid": "lid", "group": "g.us"}


@dataclass(frozen=True, slots=True)
class Traces:
    """The users (`5491155556666`) and addresses (`5491155556666@s.whatsapp.net`) of one contact."""

    users: tuple[str, ...]
    jids: tuple[str, ...]

    @classmethod
    def of(cls, addresses: Sequence[str]) -> "Traces":
        """From `phone:…`, `lid:…`, `group:…`."""
        parted = [address.partition(":") for address in addresses]
        return cls(
            users=tuple(user for _, _, user in parted),
            jids=tuple(f"{user}@{_SERVERS[kind]}" for kind, _, user in parted),
        )

    @property
    def in_raw(self) -> list[bytes]:
        """A protobuf that speaks of them holds one of these: the user as a field of its own (its length before it), or an
        address written out, as where somebody quotes them, with the number of a device or without."""
        fields = [bytes([len(user)]) + user.encode() for user in self.users]
        written = [jid.encode() for jid in self.jids]
        devices = [f"{user}:".encode() for user in self.users]
        return [*fields, *written, *devices]

    @property
    def in_text(self) -> list[str]:
        """Patterns of LIKE for JSON as text."""
        return [f'%"{user}"%' for user in self.users] + [f"%{jid}%" for jid in self.jids]
