"""What alice's company has and mallory wants, and every row of it, to see that nothing of it changed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import psycopg
from psycopg import sql
from sqlmodel import select

from saasbot.domain import accounts, catalogue
from saasbot.domain.accounts import Cookie, authenticate
from saasbot.domain.actor import Actor
from saasbot.domain.admin.credentials import find_person
from saasbot.domain.bots.prompts import save_version
from saasbot.domain.channels.manage import add_channel
from saasbot.domain.consent.customers import note_consent
from saasbot.domain.inbox.recipients import learn_chat
from saasbot.domain.media import store_image
from saasbot.domain.privacy.export import ask_export
from saasbot.infra.db import session, unit_of_work
from saasbot.models import Bot, Company, ContactMerge, Membership, Message, Role
from tests.fixtures.shops import Shop
from tests.inbox.heard import hears, message
from tests.media.pictures import picture
from tests.people import make_colleague

MARK = "only-of-alice"
"""Stands in every text of alice's company: where mallory sees it, something leaked."""


@dataclass(frozen=True)
class Belongings:
    """Ids of one thing of each kind."""

    company_id: UUID
    bot_id: UUID
    version: int
    product_id: UUID
    deleted_product_id: UUID
    media_id: UUID
    channel_id: UUID
    conversation_id: UUID
    message_id: UUID
    merge_id: UUID
    session_id: UUID
    member_id: UUID
    invitation_id: UUID
    export_id: UUID

    def path_ids(self) -> dict[str, str]:
        """By the name that a route or a handler gives the id."""
        names = (
            "company_id",
            "bot_id",
            "version",
            "product_id",
            "channel_id",
            "conversation_id",
            "media_id",
            "merge_id",
            "message_id",
            "session_id",
            "member_id",
            "invitation_id",
            "export_id",
        )
        return {name: str(getattr(self, name)) for name in names}


async def belongings_of(owner: Actor, *, mark: str = MARK) -> Belongings:
    """One of everything now belongs to the company of `owner`."""
    async with unit_of_work(owner):
        bot = (await session().exec(select(Bot))).one()
        bot.name = f"Bot {mark}"
        version = await save_version(owner, bot.id, text=f"Prompt {mark}", note=mark)
        product = await catalogue.create_product(owner, title=f"Product {mark}", price_minor=100)
        deleted = await catalogue.create_product(owner, title=f"Deleted {mark}", price_minor=100)
        await catalogue.delete_product(owner, deleted.id)
        media = await store_image(owner, picture(), f"{mark}.jpg")
        await catalogue.set_image(owner, product.id, media.id)
        channel = await add_channel(owner, kind="simulator", name=f"Number {mark}")
        company = await session().get_one(Company, owner.company_id)
    shop = Shop(company, owner, owner, owner, bot, channel)
    conversation_id = await shop.hears(f"Hello {mark}", name=f"Ana {mark}")
    async with unit_of_work(owner):
        message_id = (await session().exec(select(Message.id))).one()
        await note_consent(owner, conversation_id, granted=True)
    merge_id = await _two_who_are_one(shop, mark)
    member_id, invitation_id = await _team(owner, mark)
    async with unit_of_work(owner):
        export_id = (await ask_export(owner)).id
    return Belongings(
        company_id=owner.company_id,
        bot_id=bot.id,
        version=version.version,
        product_id=product.id,
        deleted_product_id=deleted.id,
        media_id=media.id,
        channel_id=channel.id,
        conversation_id=conversation_id,
        message_id=message_id,
        merge_id=merge_id,
        session_id=await _session_of(owner),
        member_id=member_id,
        invitation_id=invitation_id,
        export_id=export_id,
    )


async def _session_of(owner: Actor) -> UUID:
    """A browser that its owner left open somewhere."""
    assert owner.user_id is not None
    found = await find_person(owner.user_id)
    assert found is not None
    token = await accounts.start_session(await accounts.issue_ticket(found[0]), network="", user_agent="")
    session = await authenticate(Cookie(token))
    assert session is not None
    return session.session_id


async def _team(owner: Actor, mark: str) -> tuple[UUID, UUID]:
    """A colleague, and somebody who was invited."""
    domain = f"{mark.replace(' ', '-')}.example"
    colleague = await make_colleague(owner, f"Member {mark}", Role.AGENT, email=f"member@{domain}")
    waiting = await accounts.invite(owner, email=f"invited@{domain}", role="agent")
    async with unit_of_work(owner):
        member_id = (await session().exec(select(Membership.id).where(Membership.user_id == colleague.user_id))).one()
    return member_id, waiting.id


async def _two_who_are_one(shop: Shop, mark: str) -> UUID:
    """A person of two addresses writes under each, and then it is seen that they are one."""
    phone, lid = "5491100000077", "777777777777777"
    await hears(shop, message(f"LID {mark}", wa_id="LID", phone=None, lid=lid, name=""))
    await hears(shop, message(f"Phone {mark}", wa_id="PHONE", phone=phone, name=""))
    async with unit_of_work(shop.system):
        await learn_chat(shop.system, f"{phone}@s.whatsapp.net", f"{lid}@lid")
        return (await session().exec(select(ContactMerge.id))).one()


class Ledger:
    """Every row of a company in every table, read past row-level security."""

    def __init__(self, connection: psycopg.Connection, company_id: UUID) -> None:
        self._connection, self._company_id = connection, company_id
        found = connection.execute(
            "SELECT c.table_name FROM information_schema.columns c JOIN information_schema.tables t "
            "USING (table_schema, table_name) WHERE c.table_schema = 'public' AND c.column_name = 'company_id' "
            "AND t.table_type = 'BASE TABLE' ORDER BY 1"
        ).fetchall()
        self._tables = [("company", "id"), *((str(name), "company_id") for (name,) in found)]
        self._digest = sql.SQL(" UNION ALL ").join(
            sql.SQL(
                "SELECT {}, count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) FROM {} t WHERE {} = {}"
            ).format(sql.Literal(table), sql.Identifier(table), sql.Identifier("t", column), sql.Literal(company_id))
            for table, column in self._tables
        )
        self._people = sql.SQL(
            "SELECT 'user_account', count(*), coalesce(sum(hashtextextended(u::text, 0)), 0) FROM user_account u "
            "WHERE id IN (SELECT user_id FROM membership WHERE company_id = {})"
        ).format(sql.Literal(company_id))
        self._kept: tuple[str, dict[str, tuple[int, int]]] = ("", {})

    def read(self) -> dict[str, list[str]]:
        """The rows as text, by table."""
        return {table: self._rows(table, column) for table, column in self._tables}

    def digest(self) -> dict[str, tuple[int, int]]:
        """How many rows, and a sum over all that stands in them, by table; the accounts of the company's people too.

        In one query, and in none while no transaction has written anything: the case of nearly every attack.
        """
        written = str(self._connection.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())").fetchone())
        if self._kept[0] != written:
            rows = self._connection.execute(self._digest + sql.SQL(" UNION ALL ") + self._people).fetchall()
            self._kept = written, {str(table): (int(count), int(total)) for table, count, total in rows}
        return self._kept[1]

    def refusals(self, user_id: UUID) -> int:
        """How many lines of the company's audit trail say that this person was refused something."""
        query = "SELECT count(*) FROM audit_event WHERE company_id = %s AND user_id = %s AND outcome = 'refused'"
        found = self._connection.execute(query, [self._company_id, user_id]).fetchone()
        return int(found[0]) if found else 0

    def _rows(self, table: str, column: str) -> list[str]:
        query = sql.SQL("SELECT to_jsonb(t)::text FROM {} t WHERE {} = %s ORDER BY 1").format(
            sql.Identifier(table), sql.Identifier("t", column)
        )
        return [str(row) for (row,) in self._connection.execute(query, [self._company_id]).fetchall()]


@contextmanager
def ledger(superuser_url: str, company_id: UUID) -> Iterator[Ledger]:
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        yield Ledger(connection, company_id)
