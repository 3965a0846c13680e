"""What the list shows of a chat, read anew: after its messages went elsewhere, or the last of them proved to be none."""

from saasbot.domain.inbox.preview import REVOKED, preview_of
from saasbot.infra.db import sql
from saasbot.models import Conversation

_NEWEST = """
    SELECT m.id, m.sort_at, m.type, m.author, m.status, m.text, m.payload, m.revoked_at IS NOT NULL AS revoked
    FROM message m WHERE m.company_id = :company AND m.conversation_id = :chat
      AND (m.type <> 'activity' OR m.payload->>'kind' = 'missed_call')
    ORDER BY m.sort_at DESC, m.seq DESC LIMIT 1
"""


async def show_newest(chat: Conversation) -> None:
    """Of a locked chat; nothing where it has no message."""
    newest = (await sql(_NEWEST, company=chat.company_id, chat=chat.id)).one_or_none()
    if newest is None:
        chat.last_message_id, chat.last_preview = None, ""
        chat.last_author = chat.last_type = chat.last_status = None
        return
    chat.last_message_id, chat.last_activity_at = newest.id, newest.sort_at
    chat.last_preview = REVOKED if newest.revoked else preview_of(newest.type, newest.text, newest.payload)
    chat.last_author, chat.last_type, chat.last_status = newest.author, newest.type, newest.status
