"""Two companies, each with one person of every kind, and each one's things: who attacks, and what they want.

A kind of actor, an id of a new sort or an audit trail that comes later is met here once, and the whole matrix has it.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, fields, replace
from uuid import UUID

import psycopg
from sqlmodel import SQLModel

from saasbot.domain import accounts
from saasbot.domain.admin.credentials import Person, find_account
from saasbot.models import Role, UserAccount
from saasbot.models.table import new_id
from tests.attack.belongings import Belongings, Ledger, belongings_of, ledger
from tests.people import give_second_factor, make_colleague, make_company

ANONYMOUS, SUPER_ADMIN = "anonymous", "super_admin"
FLAG = "is_super_admin"
"""The column of an account that is of the platform's own people. Where there is none, there is no such actor."""
HAS_SUPER_ADMIN = FLAG in UserAccount.model_fields
HAS_TRAIL = "audit_event" in SQLModel.metadata.tables
ACTORS = (ANONYMOUS, *(role.value for role in Role), *([SUPER_ADMIN] if HAS_SUPER_ADMIN else []))
TRIES_PER_SESSION = 20
"""Then a new one is opened: neither a session's budget of events nor that of its lines in the audit trail is what is tried."""


@dataclass(frozen=True)
class Side:
    """A company: its mark, which stands in every text of it, its things, the ledger of its rows, its people by kind."""

    mark: str
    things: Belongings
    rows: Ledger
    people: dict[str, Person]


@dataclass
class Attacker:
    """A person of one side (nobody, when anonymous) who is after the things of the other."""

    kind: str
    own: Side
    victim: Side
    compares: bool
    """Whether each answer is held beside that to ids of nothing: of one company only, for the other is no other program."""
    _tries: int = 0
    _cookie: str = ""
    _bearer: str = ""

    def __str__(self) -> str:
        return f"{self.kind} of {self.own.mark}"

    @property
    def person(self) -> Person | None:
        return None if self.kind == ANONYMOUS else self.own.people[self.kind]

    def traces(self) -> int:
        """How many of this person's refusals the audit trail has; none where there is no trail."""
        return self.own.rows.refusals(self.person.user_id) if HAS_TRAIL and self.person else 0

    async def cookie(self) -> str:
        """The token of a live session, a fresh one now and then."""
        if self._due() and self.person:
            ticket = await accounts.issue_ticket(self.person)
            self._cookie = await accounts.start_session(ticket, network="test", user_agent="")
        return self._cookie

    async def headers(self) -> dict[str, str]:
        """Of a REST request, with a fresh sign-in now and then."""
        if self._due() and self.person:
            self._bearer = f"Bearer {(await accounts.issue_tokens(self.person)).access_token}"
        return {"Authorization": self._bearer} if self._bearer else {}

    def _due(self) -> bool:
        self._tries += 1
        return self._tries % TRIES_PER_SESSION == 1


@asynccontextmanager
async def two_sides(database: str) -> AsyncIterator[list[Attacker]]:
    """Everybody, against the other company. `database`: the libpq URL of a superuser."""
    async with AsyncExitStack() as stack:
        south = await _side(stack, database, "Zapatería Sur", "alice", "only-of-alice")
        gang = await _side(stack, database, "Mala Junta", "mallory", "only-of-mallory")
        yield [
            Attacker(kind, own, victim, compares=own is gang)
            for own, victim in ((gang, south), (south, gang))
            for kind in ACTORS
        ]


async def _side(stack: AsyncExitStack, database: str, company: str, owner: str, mark: str) -> Side:
    domain = mark.rpartition("-")[2]
    boss = await make_company(company, owner.title(), email=f"owner@{domain}.example")
    kinds = {role.value: role for role in Role if role is not Role.OWNER}
    if HAS_SUPER_ADMIN:
        kinds[SUPER_ADMIN] = Role.OWNER
    for kind, role in kinds.items():
        await make_colleague(boss, kind, role, email=f"{kind}@{domain}.example")
    if HAS_SUPER_ADMIN:
        _flag(database, f"{SUPER_ADMIN}@{domain}.example")
        await give_second_factor(await _person(f"{SUPER_ADMIN}@{domain}.example"))
    things = await belongings_of(boss, mark=mark)
    people = {kind: await _person(f"{kind}@{domain}.example") for kind in (Role.OWNER.value, *kinds)}
    return Side(mark, things, stack.enter_context(ledger(database, things.company_id)), people)


async def _person(email: str) -> Person:
    found = await find_account(email)
    assert found is not None, email
    return found[0]


def _flag(database: str, email: str) -> None:
    """As whoever runs the server would: no page and no role of the program does it."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"UPDATE user_account SET {FLAG} = true WHERE email = %s", [email])  # type: ignore[arg-type]


def absent(things: Belongings) -> Belongings:
    """Ids of nothing at all, in the same places."""
    made = {field.name: new_id() for field in fields(things) if field.type in (UUID, "UUID")}
    return replace(things, **made)


def same_ids(text: str, things: Belongings) -> str:
    """The text with a name in place of each id, so that answers to two sets of ids can be compared."""
    for name, value in vars(things).items():
        text = text.replace(str(value), f"<{name}>") if isinstance(value, UUID) else text
    return text
