"""What each database role may and may not do."""

import psycopg
import pytest
from sqlalchemy.engine import make_url

from saasbot.infra import roles
from saasbot.infra.postgres import ClusterInfo
from saasbot.infra.roles import DatabaseUrls, libpq_url
from saasbot.infra.settings import Settings, settings
from saasbot.infra.start_error import StartError
from tests.attack.attempts import attempt


def ask(url: str, query: str) -> object:
    with psycopg.connect(libpq_url(url)) as connection:
        row = connection.execute(query.encode()).fetchone()
        return row[0] if row else None


def psycopg_url(go_url: str) -> str:
    """The WhatsApp store's URL without the parameter that only Go's driver understands."""
    url = make_url(go_url).difference_update_query(["idle_session_timeout"])
    return url.render_as_string(hide_password=False)


@pytest.mark.parametrize("role", ["owner", "app", "platform"])
def test_no_role_of_ours_bypasses_row_level_security(database: DatabaseUrls, role: str) -> None:
    powers = "SELECT rolsuper OR rolbypassrls OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
    assert ask(getattr(database, role), powers) is False


@pytest.mark.parametrize("role", ["app", "platform"])
def test_only_the_owner_changes_the_schema(database: DatabaseUrls, role: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(getattr(database, role), "CREATE TABLE sneaked (id int)")


def test_the_extensions_are_there(database: DatabaseUrls) -> None:
    with psycopg.connect(libpq_url(database.owner)) as connection:
        present = {str(name) for (name,) in connection.execute("SELECT extname FROM pg_extension")}
    assert present >= set(roles.EXTENSIONS)


@attempt(105, "secrets", "The role of the companies reads WhatsApp's session keys.")
def test_the_whatsapp_store_and_the_companies_do_not_see_each_other(database: DatabaseUrls) -> None:
    store = psycopg_url(database.wa_store)
    assert ask(store, "SELECT current_user") == roles.WA_STORE
    own, foreign = make_url(store).database, make_url(database.app).database
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(make_url(store).set(database=foreign).render_as_string(hide_password=False))
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(libpq_url(make_url(database.app).set(database=own).render_as_string(hide_password=False)))


def test_preparing_twice_changes_nothing(cluster: ClusterInfo, database: DatabaseUrls) -> None:
    secrets = "SELECT string_agg(rolpassword, ',' ORDER BY rolname) FROM pg_authid WHERE rolname LIKE 'saasbot_%'"
    before = ask(cluster.superuser_url(), secrets)
    roles.prepare_server(cluster.superuser_url(), make_url(database.owner), settings().keys[0])
    assert ask(cluster.superuser_url(), secrets) == before


def test_a_role_with_an_old_password_gets_the_derived_one(cluster: ClusterInfo, database: DatabaseUrls) -> None:
    with psycopg.connect(cluster.superuser_url(), autocommit=True) as connection:
        connection.execute("ALTER ROLE saasbot_app PASSWORD 'of an older key'")
    roles.prepare_server(cluster.superuser_url(), make_url(database.owner), settings().keys[0])
    assert ask(database.app, "SELECT current_user") == roles.APP


@attempt(70, "tenancy", "Somebody has given a role of the program more power.")
def test_a_role_made_too_mighty_stops_the_start(cluster: ClusterInfo, database: DatabaseUrls) -> None:
    with psycopg.connect(cluster.superuser_url(), autocommit=True) as connection:
        connection.execute("ALTER ROLE saasbot_platform BYPASSRLS")
        try:
            with pytest.raises(StartError, match="saasbot_platform is a superuser or bypasses"):
                roles.prepare_server(cluster.superuser_url(), make_url(database.owner), settings().keys[0])
        finally:
            connection.execute("ALTER ROLE saasbot_platform NOBYPASSRLS")


def outside_database(cluster: ClusterInfo, name: str, powers: str) -> Settings:
    """Settings that name a database of our server as if it were somebody else's, with an owner of these powers."""
    with psycopg.connect(cluster.superuser_url(), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'theirs' {powers}".encode())
        connection.execute(f"CREATE DATABASE {name} OWNER {name}".encode())
    return Settings.model_validate({**settings().model_dump(), "database_url": cluster.url(name, "theirs", name)})


def test_an_outside_database_is_prepared_through_its_owner(cluster: ClusterInfo, database: DatabaseUrls) -> None:
    """The roles are there already; what is missing is made with the rights of the owner's role."""
    given = outside_database(cluster, "outside", "CREATEDB CREATEROLE")
    with psycopg.connect(cluster.superuser_url(), autocommit=True) as connection:
        connection.execute("GRANT saasbot_wa TO outside WITH ADMIN OPTION")
    urls = roles.prepare_database(given)
    assert ask(urls.app, "SELECT current_database()") == "outside"
    assert ask(psycopg_url(urls.wa_store), "SELECT current_database()") == "outside_wa"
    assert roles.prepare_database(given) == urls


def test_an_outside_owner_without_rights_is_told_the_sql_to_run(cluster: ClusterInfo, database: DatabaseUrls) -> None:
    given = outside_database(cluster, "powerless", "NOCREATEDB")
    with pytest.raises(
        StartError, match=r"(?s)SAASBOT_DATABASE_URL: .*powerless lacks a permission.*\n +(GRANT|CREATE)"
    ):
        roles.prepare_database(given)


def test_an_outside_database_that_does_not_answer_is_named(cluster: ClusterInfo) -> None:
    given = Settings.model_validate(
        {**settings().model_dump(), "database_url": cluster.url("nobody", "wrong", "nowhere")}
    )
    with pytest.raises(StartError, match="SAASBOT_DATABASE_URL: the database does not answer"):
        roles.prepare_database(given)
