"""Votes as WhatsApp sends them: hashes of the chosen options, encrypted under the secret of the poll's message.

The scheme is WhatsApp's "message secret" encryption (whatsmeow, msgsecret.go): HKDF-SHA256 of the poll's secret over the
poll's id, its author, the voter and the words "Poll Vote" is the key of AES-256-GCM.
"""

import hashlib
from collections.abc import Iterable, Sequence
from itertools import product

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from google.protobuf.message import DecodeError

from saasbot.domain.actor import Actor
from saasbot.domain.inbox.incoming import IncomingMessage, IncomingVote
from saasbot.domain.inbox.polls import PollOfOurs, polls_of_ours, record_vote
from saasbot.infra.logging import get_logger
from saasbot.models import Channel
from saasbot.wa_runtime.protobufs import e2e

log = get_logger(__name__)

_USE = b"Poll Vote"
_KEY_BYTES, _IV_BYTES = 32, 12


class UnreadableVote(Exception):
    """It is not encrypted under this poll's secret by any of these addresses."""


def key_of_vote(secret: bytes, poll_wa_id: str, author: str, voter: str) -> bytes:
    info = poll_wa_id.encode() + author.encode() + voter.encode() + _USE
    return HKDF(SHA256(), _KEY_BYTES, salt=None, info=info).derive(secret)


def authenticated(poll_wa_id: str, voter: str) -> bytes:
    """What the vote's tag covers besides the vote."""
    return f"{poll_wa_id}\0{voter}".encode()


def open_vote(poll: PollOfOurs, vote: IncomingVote, *, own: Iterable[str], voters: Iterable[str]) -> tuple[str, ...]:
    """The options that were chosen. Clients differ in which of a person's addresses they put in, so each is tried: the tag
    tells which is right.

    Raises: UnreadableVote.
    """
    if len(vote.iv) != _IV_BYTES:
        raise UnreadableVote
    for author, voter in product(own, voters):
        key = key_of_vote(poll.secret, vote.poll_wa_id, author, voter)
        try:
            plain = AESGCM(key).decrypt(vote.iv, vote.encrypted, authenticated(vote.poll_wa_id, voter))
            chosen = set(e2e.PollVoteMessage.FromString(plain).selectedOptions)
        except (InvalidTag, DecodeError):
            continue
        return tuple(option for option in poll.options if hashlib.sha256(option.encode()).digest() in chosen)
    raise UnreadableVote


async def take_votes(actor: Actor, channel: Channel, votes: Sequence[IncomingVote]) -> list[IncomingMessage]:
    """Keep the votes in polls of ours on their polls. Returns the lines that the others leave in their chats."""
    if not votes:
        return []
    polls = await polls_of_ours(actor, channel.id, {vote.poll_wa_id for vote in votes})
    lines = []
    for vote in votes:
        poll = polls.get(vote.poll_wa_id)
        if poll is None:
            lines.append(vote.line)
            continue
        own = _addresses(channel.phone, channel.lid)
        voters = own if vote.line.from_me else _addresses(vote.line.phone, vote.line.lid)
        try:
            chosen = open_vote(poll, vote, own=own, voters=voters)
        except UnreadableVote:
            log.warning("inbox.vote_unreadable", channel_id=str(channel.id), message_id=str(poll.message_id))
            lines.append(vote.line)
            continue
        await record_vote(actor, poll, from_me=vote.line.from_me, chosen=chosen, at=vote.at, by=vote.line.author_jid)
    return lines


def _addresses(phone: str | None, lid: str | None) -> list[str]:
    return [f"{user}@{server}" for user, server in ((lid, "lid"), (phone, "s.whatsapp.net")) if user]
