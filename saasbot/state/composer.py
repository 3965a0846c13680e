"""What is being written to the open conversation."""

import re

import reflex as rx

from saasbot.domain.inbox.drafts import save_draft
from saasbot.domain.inbox.send import send_message
from saasbot.domain.inbox.typing import show_typing
from saasbot.domain.media.attachments import can_make_voice_notes
from saasbot.infra.db import unit_of_work
from saasbot.infra.errors import AppError
from saasbot.infra.i18n import error_text
from saasbot.state import toasts
from saasbot.state.arguments import Id, Text, Word
from saasbot.state.ids import parse_id
from saasbot.state.locale import locale_of
from saasbot.state.session import current_actor

_TOKEN = re.compile(r"[0-9a-zA-Z-]{8,64}")


class ComposerState(rx.State):
    draft: rx.Field[str] = rx.field("")
    """What was typed here before and not sent; the browser has the rest."""
    saved: rx.Field[bool] = rx.field(False)
    """Whether the draft, as far as this tab knows, is kept."""
    voice: rx.Field[bool] = rx.field(False)
    """Whether voice notes can be made on this server."""
    refused: rx.Field[str] = rx.field("")
    """The client token of a message that could not be queued: its text goes back into the composer."""

    @rx.event
    async def send(self, conversation_id: Id, text: Text, token: Word, media_id: Id, quoted_id: Id):
        """Queue it; the chat is the sender's from now on. The same token twice is one message."""
        actor = await current_actor(self)
        try:
            async with unit_of_work(actor):
                await send_message(
                    actor,
                    parse_id(conversation_id),
                    text=text,
                    media_id=parse_id(media_id) if media_id else None,
                    quoted_id=parse_id(quoted_id) if quoted_id else None,
                    client_token=f"{actor.user_id}:{token}" if _TOKEN.fullmatch(token) else None,
                )
        except AppError as error:
            self.refused = token
            return toasts.error(error_text(await locale_of(self), error))
        self.saved = False
        return None

    @rx.event
    async def keep_draft(self, conversation_id: Id, text: Text):
        """What is typed survives leaving the conversation, the page and the computer."""
        actor = await current_actor(self)
        async with unit_of_work(actor):
            await save_draft(actor, parse_id(conversation_id), text=text)
        self.saved = bool(text.strip())

    @rx.event
    async def typing(self, conversation_id: Id, on: bool):
        """The customer sees that somebody types."""
        actor = await current_actor(self)
        async with unit_of_work(actor):
            await show_typing(actor, parse_id(conversation_id), on=on)


def begin(state: ComposerState, draft: str) -> None:
    """Another conversation is open."""
    state.draft, state.saved, state.refused = draft, bool(draft), ""
    state.voice = can_make_voice_notes()
