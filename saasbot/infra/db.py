"""The database: engines, the unit of work, and the company that row-level security sees.

Use cases read the session of the unit of work around them with `session()` and never commit. The edge (state handler,
endpoint, job, processor) opens `unit_of_work(actor)`: one transaction whose company is set before its first statement, and
which commits rows, jobs and events together or not at all.
"""

import re
from collections import namedtuple
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol, cast
from uuid import UUID

import psycopg
from psycopg.errors import QueryCanceled
from sqlalchemy import CursorResult, Executable, event, text
from sqlalchemy.engine import Connection, ExceptionContext
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    InterfaceError,
    MultipleResultsFound,
    NoResultFound,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, SessionTransaction
from sqlmodel.ext.asyncio.session import AsyncSession

from saasbot.infra import platform_uses
from saasbot.infra.errors import AppError, Forbidden, NotFound


class Tenant(Protocol):
    """Whoever acts: all that the database needs is the company, and somebody to tell of a refusal."""

    @property
    def company_id(self) -> UUID: ...

    async def refused(self, error: AppError) -> None:
        """Told after the roll-back, when the unit of work ended in a refusal."""
        ...


@dataclass(slots=True)
class UnitOfWork:
    session: AsyncSession
    company_id: UUID | None
    why: str = ""
    """Why it works across companies; empty within one."""
    before_commit: list[Callable[["UnitOfWork"], Awaitable[None]]] = field(default_factory=list)
    """Run once, in order, inside the transaction just before it commits."""
    connection: AsyncConnection | None = None
    driver: psycopg.AsyncConnection[Any] | None = None
    """The session's connection and the driver's beneath it, once somebody asked for them."""
    notes: dict[str, Any] = field(default_factory=dict)
    """Room for those who gather something until the commit (events)."""


_SET_COMPANY = text("SELECT set_config('app.company', :id, true)")
_current: ContextVar[UnitOfWork | None] = ContextVar("unit_of_work", default=None)
_engines: dict[str, AsyncEngine] = {}
_makers: dict[str, async_sessionmaker[AsyncSession]] = {}

STATEMENT_SECONDS = {"app": 15, "platform": 30}
"""What takes longer hangs, or was asked by somebody who wants it to. Ended, it is a `StatementEnded`: nothing was done."""
IDLE_SECONDS = 60
"""Of a transaction in which nothing happens: its locks are not kept for whoever has forgotten it."""

_LIMIT_EXCEEDED = "54"
"""Class of SQLSTATE: what was asked is too large for PostgreSQL, today and tomorrow (a row of an index, a statement)."""


class StatementEnded(OperationalError):
    """A statement took too long, or somebody cancelled it. The database is there: mostly it waited for a lock, or there is too
    much to do, and another try goes through. Whoever tries for ever must know that the statement itself may be the reason."""


UNAVAILABLE = (OperationalError, InterfaceError, PoolTimeout)
"""What a unit of work raises when the database is away, restarts, or has too much to do."""
DOWN = (*UNAVAILABLE, OSError)
"""The same for those who live on: they wait and try again."""


def is_away(error: Exception) -> bool:
    """Whether it says nothing of what was tried, because the database could not even look at it."""
    return isinstance(error, DOWN) and not isinstance(error, StatementEnded)


@dataclass(frozen=True, slots=True)
class Rows:
    """What a statement gave: rows with named columns, asked for as SQLAlchemy's results are."""

    _rows: list[Any]
    rowcount: int
    """How many rows it changed or found."""

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def all(self) -> list[Any]:
        return self._rows

    def first(self) -> Any | None:
        return self._rows[0] if self._rows else None

    def one_or_none(self) -> Any | None:
        """Raises: MultipleResultsFound."""
        if len(self._rows) > 1:
            raise MultipleResultsFound("one row was expected, there are more")
        return self.first()

    def one(self) -> Any:
        """Raises: MultipleResultsFound, NoResultFound."""
        row = self.one_or_none()
        if row is None:
            raise NoResultFound("one row was expected, there is none")
        return row

    def scalars(self) -> list[Any]:
        """The first column."""
        return [row[0] for row in self._rows]

    def scalar(self) -> Any | None:
        """The first column of the first row; nothing when there is none."""
        return self._rows[0][0] if self._rows else None

    def scalar_one(self) -> Any:
        """Raises: MultipleResultsFound, NoResultFound."""
        return self.one()[0]

    def scalar_one_or_none(self) -> Any | None:
        """Raises: MultipleResultsFound."""
        row = self.one_or_none()
        return None if row is None else row[0]


class OutsideUnitOfWork(RuntimeError):
    """A use case was called without `unit_of_work` around it: a programming error."""


@event.listens_for(Session, "after_begin")
def _set_company(session: Session, _transaction: SessionTransaction, connection: Connection) -> None:
    """Every transaction starts by naming its company (SET LOCAL, so that it ends with the transaction)."""
    company_id = session.info.get("company_id")
    if company_id is not None:
        connection.execute(_SET_COMPANY, {"id": str(company_id)})


def connect(*, app_url: str, platform_url: str, pool_size: int = 20) -> None:
    """Open the engines of this process. `app` obeys row-level security; `platform` is for `domain/admin` only."""
    for name, url in (("app", app_url), ("platform", platform_url)):
        engine = create_async_engine(
            url,
            pool_size=pool_size if name == "app" else 5,
            max_overflow=10,
            pool_pre_ping=False,
            pool_recycle=1800,
            pool_timeout=10,
            hide_parameters=True,  # of errors: they are rows of companies
            connect_args={
                "prepare_threshold": 2,
                "application_name": f"saasbot-{name}",
                "options": f"-c statement_timeout={STATEMENT_SECONDS[name]}s"
                f" -c idle_in_transaction_session_timeout={IDLE_SECONDS}s -c timezone=UTC",
            },
        )
        event.listen(engine.sync_engine, "handle_error", _forget_values, retval=True)
        _engines[name] = engine
        _makers[name] = async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False, autoflush=True)


def _forget_values(context: ExceptionContext) -> DBAPIError | None:
    """An error of the database ends in logs and traces: it says what is wrong, not with which values. Returns what is raised
    in its place, if anything."""
    error = context.original_exception
    if not isinstance(error, psycopg.Error) or context.sqlalchemy_exception is None:
        return None
    words = _only_primary(error)
    context.sqlalchemy_exception.args = (f"({type(error).__name__}) {words}",)
    return _not_away(error, context.statement)


def _not_away(error: psycopg.Error, statement: str | None) -> DBAPIError | None:
    """What to call an error that the driver calls operational, as if the database were away, though it is there."""
    if isinstance(error, QueryCanceled):
        return StatementEnded(statement, None, error, hide_parameters=True)
    if (error.sqlstate or "").startswith(_LIMIT_EXCEEDED):
        return DataError(statement, None, error, hide_parameters=True)
    return None


def _only_primary(error: psycopg.Error) -> str:
    """Its first line, which is all that it has afterwards: DETAIL and CONTEXT hold values of the row."""
    words = error.diag.message_primary or str(error).split("\n", 1)[0]
    error.args = (words,)
    return words


async def disconnect() -> None:
    for engine in _engines.values():
        await engine.dispose()
    _engines.clear()
    _makers.clear()


async def answers() -> bool:
    """The database takes a query of the app role."""
    async with _engines["app"].connect() as connection:
        await connection.execute(text("SELECT 1"))
    return True


def app_dsn() -> str:
    """The app role's URL as libpq reads it, for LISTEN connections and synchronous writers."""
    return _engines["app"].url.set(drivername="postgresql").render_as_string(hide_password=False)


@asynccontextmanager
async def unit_of_work(actor: Tenant) -> AsyncIterator[UnitOfWork]:
    """One transaction of one company: commits at the end, rolls everything back on an error. The actor hears of a refusal."""
    try:
        async with _transaction("app", actor.company_id) as uow:
            yield uow
    except (NotFound, Forbidden) as refusal:
        await actor.refused(refusal)
        raise


@asynccontextmanager
async def platform_unit_of_work(why: str) -> AsyncIterator[UnitOfWork]:
    """One transaction across companies. Only `domain/admin` may open it; a test greps for others.

    `why`: a literal of its own at every call (a test holds that), counted, logged, and noted in the unit of work, so that
    whoever writes down what was done across companies knows the reason.
    """
    platform_uses.note(why)
    async with _transaction("platform", None, why=why) as uow:
        yield uow


@asynccontextmanager
async def _transaction(engine: str, company_id: UUID | None, *, why: str = "") -> AsyncIterator[UnitOfWork]:
    if _current.get() is not None:
        raise RuntimeError("a unit of work is already open here; use cases share it, edges open one each")
    async with _makers[engine]() as db_session:
        db_session.info["company_id"] = company_id
        uow = UnitOfWork(session=db_session, company_id=company_id, why=why)
        token = _current.set(uow)
        try:
            async with db_session.begin():
                yield uow
                for step in uow.before_commit:
                    await step(uow)
        finally:
            _current.reset(token)


def current() -> UnitOfWork:
    uow = _current.get()
    if uow is None:
        raise OutsideUnitOfWork("no unit of work is open here")
    return uow


def session() -> AsyncSession:
    """The session of the unit of work around the caller.

    Raises: OutsideUnitOfWork.
    """
    return current().session


async def take_longer(*, seconds: int) -> None:
    """Until the current transaction ends its statements, and the pauses between them, may take so long."""
    await sql(
        "SELECT set_config('statement_timeout', :most, true), set_config('idle_in_transaction_session_timeout', :most, true)",
        most=f"{seconds}s",
    )


_PARAMETER = re.compile(r"(?<![:\w]):(\w+)(?!:)")


@lru_cache(maxsize=512)
def query_bytes(statement: str) -> bytes:
    """The statement as psycopg reads it: `%(name)s` for `:name`. A cast's `::` stays."""
    return _PARAMETER.sub(r"%(\1)s", statement.replace("%", "%%")).encode()


@lru_cache(maxsize=512)
def _row_of(columns: tuple[str, ...]) -> Callable[[Sequence[Any]], Any]:
    """A tuple with names. Of two columns with one name only the first can be asked for by it, the other by place."""
    return namedtuple("Row", columns, rename=True)._make


def _named(cursor: psycopg.AsyncCursor[Any]) -> Callable[[Sequence[Any]], Any]:
    return _row_of(tuple(column.name for column in cursor.description or ()))


async def sql(statement: str, **parameters: Any) -> Rows:
    """Run one statement, with bound parameters (`:name`), in the current unit of work. For what the ORM cannot say well.

    It goes to psycopg without SQLAlchemy's compiler and its switch of context, which would cost twice the statement itself: the
    message path runs some thirty of them a message. Errors are SQLAlchemy's all the same.
    """
    await _flush(current())
    cursor = (await driver_connection()).cursor(row_factory=_named)
    try:
        await cursor.execute(query_bytes(statement), parameters)
        return Rows(await cursor.fetchall() if cursor.description is not None else [], cursor.rowcount)
    except psycopg.Error as error:
        _only_primary(error)
        raise _not_away(error, statement) or cast(
            "DBAPIError", DBAPIError.instance(statement, None, error, psycopg.Error, hide_parameters=True)
        ) from error


async def run(statement: Executable) -> CursorResult[*tuple[Any, ...]]:
    """Run one SQLAlchemy statement in the current unit of work; rows come back as tuples, not as objects."""
    uow = current()
    await _flush(uow)
    return await (await _connection(uow)).execute(statement)


async def driver_connection() -> psycopg.AsyncConnection[Any]:
    """The psycopg connection beneath the current transaction, for what goes without SQLAlchemy (Procrastinate, COPY)."""
    uow = current()
    if uow.driver is None:
        raw = await (await _connection(uow)).get_raw_connection()
        uow.driver = cast("psycopg.AsyncConnection[Any]", raw.driver_connection)
    return uow.driver


async def _connection(uow: UnitOfWork) -> AsyncConnection:
    """Asked for once: each of SQLAlchemy's awaits costs a switch of context."""
    if uow.connection is None:
        uow.connection = await uow.session.connection()
    return uow.connection


async def _flush(uow: UnitOfWork) -> None:
    """What its session holds is written before a statement that may read it."""
    if uow.session.new or uow.session.dirty or uow.session.deleted:
        await uow.session.flush()
