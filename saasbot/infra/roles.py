"""Roles, databases and extensions that must exist before the first migration.

`saasbot_owner` owns the schema and runs migrations. `saasbot_app` serves requests under row-level security.
`saasbot_platform` does cross-company work and is under row-level security too: what it may see beyond one company is
written as policies in the migrations. `saasbot_wa` owns a database of its own with the WhatsApp sessions.
"""

from dataclasses import dataclass

import psycopg
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from psycopg import sql
from sqlalchemy.engine import URL, make_url

from saasbot.infra import key_check
from saasbot.infra.postgres import SUPERUSER, Cluster
from saasbot.infra.settings import Settings, settings
from saasbot.infra.start_error import StartError

OWNER, APP, PLATFORM, WA_STORE = "saasbot_owner", "saasbot_app", "saasbot_platform", "saasbot_wa"
DATABASE = "saasbot"
EXTENSIONS = ("pg_trgm", "unaccent", "citext", "btree_gist", "btree_gin")
_PASSWORD_BYTES = 24
# whatsmeow opens a pool of connections per connect and never closes it: let the server close idle ones (milliseconds).
_WA_IDLE_TIMEOUT = "60000"
# Two starts at once on one server prepare it one after the other.
_LOCK = 0x5AA5_0001


@dataclass(frozen=True)
class DatabaseUrls:
    """One URL per role: `owner`, `app`, `platform` for SQLAlchemy, `wa_store` in the form whatsmeow reads."""

    owner: str
    app: str
    platform: str
    wa_store: str


def libpq_url(url: str) -> str:
    """A SQLAlchemy URL as libpq, psycopg and Procrastinate read it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def role_password(secret_key: bytes, role: str) -> str:
    """The password of a role: the same on every machine with the same first secret key."""
    info = f"saasbot/postgres/{role}".encode()
    return HKDF(algorithm=hashes.SHA256(), length=_PASSWORD_BYTES, salt=None, info=info).derive(secret_key).hex()


def embedded_cluster(chosen: Settings) -> Cluster:
    """The cluster under the data directory; only the `test` environment gives up durability."""
    return Cluster(chosen.data_dir, durable=chosen.env != "test", binaries=chosen.pg_bin)


def database_urls(chosen: Settings | None = None) -> DatabaseUrls:
    """The URLs of this installation. Connects to nothing and starts nothing."""
    chosen = chosen or settings()
    key = chosen.keys[0]
    if given := chosen.database_url.get_secret_value():
        owner = make_url(given)
    else:
        owner = make_url(embedded_cluster(chosen).address().url(OWNER, role_password(key, OWNER), DATABASE))
    return urls_of(owner, key)


def urls_of(owner: URL, key: bytes) -> DatabaseUrls:
    """The URLs of all roles beside the owner's: same server, passwords derived from `key`."""
    app, platform = (_for_role(owner, key, role) for role in (APP, PLATFORM))
    wa_store = _for_role(owner, key, WA_STORE).set(drivername="postgresql", database=f"{owner.database}_wa")
    wa_store = wa_store.update_query_dict({"idle_session_timeout": _WA_IDLE_TIMEOUT})
    if not owner.host:  # a Unix socket; over TCP the URL says itself what it wants of TLS
        wa_store = wa_store.update_query_dict({"sslmode": "disable"})
    return DatabaseUrls(*(url.render_as_string(hide_password=False) for url in (owner, app, platform, wa_store)))


def prepare_database(chosen: Settings | None = None, *, keys_lost: bool = False) -> DatabaseUrls:
    """Afterwards the server runs and has the roles, both databases and the extensions. Repeating changes nothing.

    `keys_lost`: the keys of before are gone for good; those of the settings count from now on.

    Raises:
        StartError: the keys are not those of this database (nothing has changed then); the server cannot be reached, or `SAASBOT_DATABASE_URL` may not create what is missing; the message
            then has the SQL that an administrator runs.
    """
    chosen = chosen or settings()
    key = chosen.keys[0]
    urls = database_urls(chosen)
    if chosen.database_url.get_secret_value():
        _connected(libpq_url(urls.owner)).close()
        if not keys_lost:
            key_check.stop_unless_ours(libpq_url(urls.owner), chosen.keys)
        prepare_server(libpq_url(urls.owner), make_url(urls.owner), key, owner_given=True)
    else:
        info = embedded_cluster(chosen).ensure_running()
        if not keys_lost and _exists(info.superuser_url(), DATABASE):
            key_check.stop_unless_ours(info.superuser_url(DATABASE), chosen.keys)
        prepare_server(info.superuser_url(), make_url(urls.owner), key)
    return urls


def _exists(administrator_url: str, database: str) -> bool:
    with _connected(administrator_url) as administrator:
        return _has_database(administrator, database)


def _has_database(administrator: psycopg.Connection, name: str) -> bool:
    return administrator.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None


def prepare_server(administrator_url: str, owner: URL, key: bytes, *, owner_given: bool = False) -> None:
    """Create what is missing: roles and databases as the administrator, extensions and grants as the owner.

    `owner_given`: the owner's role and database came with `SAASBOT_DATABASE_URL` and are left as they are.
    """
    database = owner.database or DATABASE
    with _connected(administrator_url) as administrator:
        administrator.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        for role in (APP, PLATFORM, WA_STORE) if owner_given else (OWNER, APP, PLATFORM, WA_STORE):
            _ensure_role(administrator, owner, key, role)
        if not owner_given:
            _ensure_database(administrator, database, OWNER)
        _ensure_database(administrator, f"{database}_wa", WA_STORE)
        with _connected(_plain(owner)) as connection:
            _prepare_own_database(connection)


def _prepare_own_database(owner: psycopg.Connection) -> None:
    """Afterwards app and platform may connect and the extensions are there. What they may do is the migrations' word."""
    users = sql.SQL(", ").join(map(sql.Identifier, (APP, PLATFORM)))
    _run(owner, sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(owner.info.dbname), users))
    present = {str(name) for (name,) in owner.execute("SELECT extname FROM pg_extension")}
    for extension in EXTENSIONS:
        if extension not in present:
            _run(owner, sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension)))


def _ensure_role(administrator: psycopg.Connection, owner: URL, key: bytes, role: str) -> None:
    password = role_password(key, role)
    found = administrator.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = %s", [role]).fetchone()
    if found is None:
        create = "CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD {}"
        _run(administrator, sql.SQL(create).format(sql.Identifier(role), sql.Literal(password)))
        return
    if found[0]:
        raise StartError(f"The database role {role} is a superuser or bypasses row-level security; it must not.")
    if _refuses_password(_for_role(owner, key, role)):
        change = "ALTER ROLE {} LOGIN PASSWORD {}"
        _run(administrator, sql.SQL(change).format(sql.Identifier(role), sql.Literal(password)))


def _ensure_database(administrator: psycopg.Connection, name: str, owner: str) -> None:
    database, role = sql.Identifier(name), sql.Identifier(owner)
    if not _has_database(administrator, name):
        if administrator.info.user != SUPERUSER:  # only a member of a role may give it a database
            _run(administrator, sql.SQL("GRANT {} TO CURRENT_USER").format(role))
        _run(administrator, sql.SQL("CREATE DATABASE {} OWNER {}").format(database, role))
    if administrator.info.user == SUPERUSER:
        _run(administrator, sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))


def _for_role(owner: URL, key: bytes, role: str) -> URL:
    return owner.set(username=role, password=role_password(key, role))


def _refuses_password(url: URL) -> bool:
    """Whether the server refuses this role's password. It asks for that first, then whether the role may connect."""
    try:
        psycopg.connect(_plain(url), connect_timeout=10).close()
    except psycopg.OperationalError as error:
        return "password authentication failed" in str(error)
    return False


def _plain(url: URL) -> str:
    return libpq_url(url.render_as_string(hide_password=False))


def _connected(url: str) -> psycopg.Connection:
    try:
        return psycopg.connect(url, autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as error:
        raise StartError(
            f"SAASBOT_DATABASE_URL: the database does not answer: {str(error).splitlines()[-1]}"
        ) from error


def _run(connection: psycopg.Connection, statement: sql.Composed) -> None:
    try:
        connection.execute(statement)
    except psycopg.errors.InsufficientPrivilege as error:
        raise StartError(
            f"SAASBOT_DATABASE_URL: the role {connection.info.user} lacks a permission ({error.diag.message_primary}). "
            f"Let an administrator run this on the server and start again:\n  {statement.as_string(connection)};"
        ) from error
