"""The database: engines, the unit of work, and the company that row-level security sees.

Use cases read the session of the unit of work around them with `session()` and never commit. The edge (state handler,
endpoint, job, processor) opens `unit_of_work(actor)`: one transaction whose company is set before its first statement, and
which commits rows, jobs and events together or not at all.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol, cast
from uuid import UUID

import psycopg
from sqlalchemy import CursorResult, Executable, TextClause, event, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, SessionTransaction
from sqlmodel.ext.asyncio.session import AsyncSession


class Tenant(Protocol):
    """Whoever acts: all that the database needs is the company."""

    @property
    def company_id(self) -> UUID: ...


@dataclass(slots=True)
class UnitOfWork:
    session: AsyncSession
    company_id: UUID | None
    before_commit: list[Callable[["UnitOfWork"], Awaitable[None]]] = field(default_factory=list)
    """Run once, in order, inside the transaction just before it commits."""
    connection: AsyncConnection | None = None
    """The session's, once somebody asked for it."""
    notes: dict[str, Any] = field(default_factory=dict)
    """Room for those who gather something until the commit (events)."""


_SET_COMPANY = text("SELECT set_config('app.company', :id, true)")
_current: ContextVar[UnitOfWork | None] = ContextVar("unit_of_work", default=None)
_engines: dict[str, AsyncEngine] = {}
_makers: dict[str, async_sessionmaker[AsyncSession]] = {}


UNAVAILABLE = (OperationalError, InterfaceError, PoolTimeout)
"""What a unit of work raises when the database is away, restarts, or has too much to do."""


class OutsideUnitOfWork(RuntimeError):
    """A use case was called without `unit_of_work` around it: a programming error."""


@event.listens_for(Session, "after_begin")
def _set_company(session: Session, _transaction: SessionTransaction, connection: Connection) -> None:
    """Every transaction starts by naming its company (SET LOCAL, so that it ends with the transaction)."""
    company_id = session.info.get("company_id")
    if company_id is not None:
        connection.execute(_SET_COMPANY, {"id": str(company_id)})


def connect(*, app_url: str, platform_url: str, pool_size: int = 20) -> None:
    """Open the engines of this process. `app` obeys row-level security; `platform` is for `domain/admin.py` only."""
    for name, url in (("app", app_url), ("platform", platform_url)):
        engine = create_async_engine(
            url,
            pool_size=pool_size if name == "app" else 5,
            max_overflow=10,
            pool_pre_ping=False,
            pool_recycle=1800,
            pool_timeout=10,
            connect_args={"prepare_threshold": 2, "application_name": f"saasbot-{name}"},
        )
        _engines[name] = engine
        _makers[name] = async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False, autoflush=True)


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
    """One transaction of one company: commits at the end, rolls everything back on an error."""
    async with _transaction("app", actor.company_id) as uow:
        yield uow


@asynccontextmanager
async def platform_unit_of_work() -> AsyncIterator[UnitOfWork]:
    """One transaction across companies. Only `domain/admin.py` may open it; a test greps for others."""
    async with _transaction("platform", None) as uow:
        yield uow


@asynccontextmanager
async def _transaction(engine: str, company_id: UUID | None) -> AsyncIterator[UnitOfWork]:
    if _current.get() is not None:
        raise RuntimeError("a unit of work is already open here; use cases share it, edges open one each")
    async with _makers[engine]() as db_session:
        db_session.info["company_id"] = company_id
        uow = UnitOfWork(session=db_session, company_id=company_id)
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


@lru_cache(maxsize=512)
def _statement(statement: str) -> TextClause:
    return text(statement)


async def sql(statement: str, **parameters: Any) -> CursorResult[Any]:
    """Run one statement, with bound parameters, in the current unit of work. For what the ORM cannot say well."""
    return await (await _flushed()).execute(_statement(statement), parameters)


async def run(statement: Executable) -> CursorResult[*tuple[Any, ...]]:
    """Run one SQLAlchemy statement in the current unit of work; rows come back as tuples, not as objects."""
    return await (await _flushed()).execute(statement)


async def _flushed() -> AsyncConnection:
    """The connection of the current unit of work, once what its session holds is written. Asked for once: each of
    SQLAlchemy's awaits costs a switch of context, and the message path runs some thirty statements a message."""
    uow = current()
    if uow.session.new or uow.session.dirty or uow.session.deleted:
        await uow.session.flush()
    if uow.connection is None:
        uow.connection = await uow.session.connection()
    return uow.connection


async def driver_connection() -> psycopg.AsyncConnection[Any]:
    """The psycopg connection beneath the current transaction, for libraries that write on it (Procrastinate, COPY)."""
    connection = await session().connection()
    raw = await connection.get_raw_connection()
    return cast("psycopg.AsyncConnection[Any]", raw.driver_connection)
