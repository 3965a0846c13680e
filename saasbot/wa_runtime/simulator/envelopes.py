"""Genuine neonize events around what somebody sent: every field filled as the library fills it (fixtures of 0.5.2)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from saasbot.domain.simulator.customers import GROUP_SERVER, LID_SERVER, USER_SERVER, Customer
from saasbot.wa_runtime.protobufs import e2e, events

_EDITED, _REVOKED = "1", "7"


def jid(user: str, server: str) -> Any:
    """The library's empty JID when there is no user."""
    return events.JID(User=user, RawAgent=0, Device=0, Integrator=0, Server=server if user else "", IsEmpty=not user)


def _source(chat: Customer, *, sender_lid: str, from_me: bool, alternate: bool, lid_mode: bool) -> Any:
    phone = jid(chat.phone or "", USER_SERVER) if alternate else jid("", "")
    nobody = jid("", "")
    source = events.MessageSource(
        Chat=jid(chat.group, GROUP_SERVER) if chat.group else jid(chat.lid, LID_SERVER),
        Sender=jid(sender_lid, LID_SERVER),
        IsFromMe=from_me,
        IsGroup=bool(chat.group),
        SenderAlt=nobody if from_me else phone,
        RecipientAlt=phone if from_me and not chat.group else nobody,
        BroadcastListOwner=nobody,
    )
    if lid_mode:
        source.AddressingMode = events.AddressingMode.LID
    return source


def _message(source: Any, body: Any, *, wa_id: str, at: datetime, push_name: str) -> Any:
    name = body.ListFields()[0][0].name
    protocol = body.protocolMessage if name == "protocolMessage" else None
    edit = ""
    if protocol is not None:
        edit = _REVOKED if protocol.type == e2e.ProtocolMessage.REVOKE else _EDITED
    kind = (
        "media" if hasattr(getattr(body, name), "fileSHA256") else "reaction" if name == "reactionMessage" else "text"
    )
    return events.Message(
        Info=events.MessageInfo(
            MessageSource=source,
            ID=wa_id,
            ServerID=0,
            Type=kind,
            Pushname=push_name,
            Timestamp=int(at.timestamp() * 1000),
            Category="",
            Multicast=False,
            MediaType="",
            Edit=edit,
        ),
        Message=body,
        Raw=body,
        IsEphemeral=_is_ephemeral(getattr(body, name)),
        IsViewOnce=False,
        IsViewOnceV2=False,
        IsViewOnceV2Extension=False,
        IsDocumentWithCaption=False,
        IsLottieSticker=False,
        IsEdit=edit == _EDITED,
        UnavailableRequestID="",
        RetryCount=0,
    )


def _is_ephemeral(content: Any) -> bool:
    return not isinstance(content, str) and hasattr(content, "contextInfo") and content.contextInfo.expiration > 0


def from_customer(customer: Customer, body: Any, *, wa_id: str, at: datetime) -> bytes:
    """A message event: the chat is the customer's LID (or the group), the phone beside it when WhatsApp tells it."""
    source = _source(customer, sender_lid=customer.lid, from_me=False, alternate=True, lid_mode=True)
    return _message(source, body, wa_id=wa_id, at=at, push_name=customer.name).SerializeToString()


def from_own_phone(customer: Customer, body: Any, *, wa_id: str, at: datetime, own_lid: str, own_name: str) -> bytes:
    """The echo of what the owner typed on the phone itself."""
    source = _source(customer, sender_lid=own_lid, from_me=True, alternate=True, lid_mode=False)
    event = _message(source, body, wa_id=wa_id, at=at, push_name=own_name)
    event.Info.DeviceSentMeta.DestinationJID = customer.chat_jid
    event.Info.DeviceSentMeta.Phash = ""
    return event.SerializeToString()


def again(raw: bytes) -> bytes:
    """The same message once more, as WhatsApp repeats one after a retry receipt: same id, higher retry count."""
    event = events.Message.FromString(raw)
    event.RetryCount += 1
    return event.SerializeToString()


def receipt(customer: Customer, wa_ids: Sequence[str], kind: str, at: datetime) -> bytes:
    """`kind` is `delivered` or `read`."""
    return events.Receipt(
        MessageSource=_source(customer, sender_lid=customer.lid, from_me=False, alternate=False, lid_mode=False),
        MessageIDs=list(wa_ids),
        Timestamp=int(at.timestamp()),
        Type=events.Receipt.ReceiptType.Value(kind.upper()),
    ).SerializeToString()


def call_offer(customer: Customer, *, call_id: str, at: datetime, video: bool) -> bytes:
    """It rings: the caller by LID, the phone beside it when WhatsApp tells it."""
    caller = jid(customer.lid, LID_SERVER)
    meta: Any = {
        "from": caller,
        "timestamp": int(at.timestamp()),
        "callCreator": caller,
        "callCreatorAlt": jid(customer.phone or "", USER_SERVER),
        "callID": call_id,
    }
    offer = events.Node(
        Tag="offer",
        Attrs=[
            events.NodeAttrs(name="call-id", text=call_id),
            events.NodeAttrs(name="call-creator", jid=caller),
        ],
        Nodes=[events.Node(Tag=kind, Nil=True) for kind in (("audio", "video") if video else ("audio",))],
    )
    return events.CallOffer(
        basicCallMeta=events.BasicCallMeta(**meta),
        callRemoteMeta=events.CallRemoteMeta(remotePlatform="android", remoteVersion="2.24"),
        data=offer,
    ).SerializeToString()


def chat_presence(customer: Customer, *, on: bool) -> bytes:
    return events.ChatPresence(
        MessageSource=_source(customer, sender_lid=customer.lid, from_me=False, alternate=False, lid_mode=False),
        State=events.ChatPresence.COMPOSING if on else events.ChatPresence.PAUSED,
        Media=events.ChatPresence.TEXT,
    ).SerializeToString()
