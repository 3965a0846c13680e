"""Groups: chats of many people, in which the team writes and the bot never does.

A group is one contact of the company and one conversation on each number that is in it. Its name is asked of WhatsApp by the
number's holder (`wa_runtime/group_names.py`).
"""

from collections.abc import Iterable
from typing import ClassVar

from saasbot.domain.actor import Actor
from saasbot.domain.channels.commands import send_command
from saasbot.infra import events
from saasbot.infra.db import sql
from saasbot.infra.errors import AppError
from saasbot.models import Channel, Conversation

SERVER = "g.us"
ASK_NAME = "group_name"
NO_GROUP = "chat_jid NOT LIKE '%@g.us'"
"""SQL, of a conversation."""
_LONGEST_NAME = 200


class NoBotInGroups(AppError):
    code: ClassVar[str] = "no_bot_in_groups"
    status: ClassVar[int] = 409
    message: ClassVar[str] = "In groups only people answer: the bot never does."


def is_group(chat_jid: str) -> bool:
    return chat_jid.endswith(f"@{SERVER}")


async def ask_group_names(channel: Channel, conversations: Iterable[Conversation]) -> None:
    """The holder of the number finds out what these groups are called, if it has not done so lately."""
    for chat in sorted({c.chat_jid for c in conversations if is_group(c.chat_jid)}):
        await send_command(channel, ASK_NAME, chat=chat)


async def name_group(actor: Actor, chat_jid: str, name: str) -> None:
    """WhatsApp says what a group is called. A name that the team gave stays."""
    name = " ".join(name.replace("\x00", " ").split())[:_LONGEST_NAME]
    renamed = await sql(
        """
        UPDATE contact c SET name = :name FROM contact_identity i
        WHERE i.company_id = :company AND i.kind = 'group' AND i.value = :group AND c.company_id = :company
          AND c.id = i.contact_id AND NOT c.named_by_team AND c.name <> :name RETURNING c.id
        """,
        company=actor.company_id,
        group=chat_jid.partition("@")[0],
        name=name,
    )
    for contact_id in renamed.scalars():
        chats = await sql(
            "SELECT id FROM conversation WHERE company_id = :company AND contact_id = :contact",
            company=actor.company_id,
            contact=contact_id,
        )
        for conversation_id in chats.scalars():
            events.publish("conversation", company_id=actor.company_id, conversation_id=conversation_id)
