"""What the measures without a browser share: a database of their own, companies, numbers, and genuine events."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.infra.db import session, unit_of_work
from saasbot.infra.migrations import migrate
from saasbot.infra.roles import DatabaseUrls, embedded_cluster, prepare_database
from saasbot.infra.settings import settings
from saasbot.models import Bot, Channel, ChannelKind, Company, Desired
from saasbot.models.table import new_id
from saasbot.wa_runtime.protobufs import e2e, events


@contextmanager
def own_database() -> Iterator[DatabaseUrls]:
    """A durable embedded cluster in a folder that goes with the measure. Settings of this process point to it."""
    with tempfile.TemporaryDirectory(prefix="saasbot-bench-") as folder:
        Path(folder).chmod(0o755)
        os.environ["SAASBOT_DATA_DIR"] = folder
        os.environ.pop("SAASBOT_DATABASE_URL", None)
        settings.cache_clear()
        try:
            urls = prepare_database()
            migrate(urls.owner)
            yield urls
        finally:
            embedded_cluster(settings()).stop()


@dataclass(frozen=True)
class BenchNumber:
    company_id: UUID
    channel_id: UUID

    @property
    def actor(self) -> Actor:
        return Actor.system(self.company_id)


async def numbers(count: int, *, per_company: int = 5, bot: bool = False) -> list[BenchNumber]:
    """Open simulator numbers, several a company. Without `bot` nobody answers."""
    made: list[BenchNumber] = []
    while len(made) < count:
        company_id = new_id()
        async with unit_of_work(Actor.system(company_id)):
            session().add(Company(id=company_id, name="Bench"))
            await session().flush()
            helper = Bot(company_id=company_id, name="Asistente")
            session().add(helper)
            await session().flush()
            for _ in range(min(per_company, count - len(made))):
                channel = Channel(
                    company_id=company_id,
                    kind=ChannelKind.SIMULATOR,
                    name="Bench",
                    bot_id=helper.id if bot else None,
                    desired=Desired.RUNNING,
                )
                session().add(channel)
                made.append(BenchNumber(company_id, channel.id))
    return made


def _jid(user: str = "", server: str = ""):
    return events.JID(User=user, RawAgent=0, Device=0, Integrator=0, Server=server, IsEmpty=not user)


def text_event(customer: int, wa_id: str, text: str) -> bytes:
    """A genuine message event of a customer (phone and LID), as neonize would hand it over."""
    phone = f"54911{customer:08d}"
    source = events.MessageSource(
        Chat=_jid(f"88{phone}", "lid"),
        Sender=_jid(f"88{phone}", "lid"),
        SenderAlt=_jid(phone, "s.whatsapp.net"),
        RecipientAlt=_jid(),
        BroadcastListOwner=_jid(),
        IsFromMe=False,
        IsGroup=False,
    )
    body = e2e.Message(conversation=text)
    info = events.MessageInfo(
        MessageSource=source,
        ID=wa_id,
        ServerID=0,
        Type="text",
        Pushname=f"Cliente {customer}",
        Timestamp=time.time_ns() // 1_000_000,
        Category="",
        Multicast=False,
        MediaType="",
        Edit="",
    )
    return events.Message(
        Info=info,
        Message=body,
        Raw=body,
        IsEphemeral=False,
        IsViewOnce=False,
        IsViewOnceV2=False,
        IsViewOnceV2Extension=False,
        IsDocumentWithCaption=False,
        IsLottieSticker=False,
        IsEdit=False,
        UnavailableRequestID="",
        RetryCount=0,
    ).SerializeToString()
