"""What the holder of a number is told beside its outbox: typing, read marks, logout, pairing by code.

Commands are notifications, delivered on commit and lost with the process that missed them: nothing that must survive goes
this way. Wishes that must survive are rows.
"""

from typing import Any
from uuid import UUID

from saasbot.infra import events
from saasbot.models import Channel, Conversation

COMMANDS = "saasbot_commands"
OUTBOX = "saasbot_outbox"
MEDIA = "saasbot_media"

SAY_STATE = "say_state"
"""Say again what state the number is in."""


async def send_command(channel: Channel, command: str, **arguments: Any) -> None:
    """Tell the holder of the number, when the transaction commits."""
    events.notify(COMMANDS, {"channel": str(channel.id), "command": command, **arguments})


async def set_typing(conversation: Conversation, *, on: bool) -> None:
    """The customer's phone shows that we type (or no longer)."""
    events.notify(
        COMMANDS,
        {"channel": str(conversation.channel_id), "command": "typing", "chat": conversation.chat_jid, "on": on},
    )


async def send_read_marks(conversation: Conversation, wa_ids: list[str], *, author_jid: str | None = None) -> None:
    """The customer's phone shows blue ticks for these messages of theirs; in a group that of `author_jid` does."""
    if wa_ids:
        events.notify(
            COMMANDS,
            {
                "channel": str(conversation.channel_id),
                "command": "mark_read",
                "chat": conversation.chat_jid,
                "author": author_jid,
                "ids": wa_ids[-50:],  # a notification is small; phones mark everything above the newest as read too
            },
        )


async def wake_outbox(channel_id: UUID) -> None:
    """The holder of the number looks at its outbox as soon as the transaction commits."""
    events.notify(OUTBOX, {"channel": str(channel_id)})


async def wake_media(channel_id: UUID) -> None:
    """The holder of the number looks at the media that customers sent as soon as the transaction commits."""
    events.notify(MEDIA, {"channel": str(channel_id)})
