"""What a PostgreSQL server offers, our own or somebody else's, and whether that is enough."""

from urllib.parse import urlsplit

import msgspec
import psycopg

from nightmarket.platform.home import StartRefused

LEAST_VERSION = 18
EXTENSIONS = ("pg_trgm", "unaccent", "vector")
CONNECT_SECONDS = 10


class Server(msgspec.Struct, frozen=True):
    """As the server describes itself and the database that the URL names."""

    version: int
    """Major number."""
    release: str
    encoding: str
    character_locale: str
    extensions: list[str]
    """Those of `EXTENSIONS` that are there to be created."""
    max_connections: int
    connections: int
    may_create: bool
    """Whether our role may make schemas in the database."""
    merchants: str
    """What stands in the way of the role that merchants' people read through: the statement that an administrator is
    to run; empty where it is there and safe, or our own role may make it."""


QUESTION = """
SELECT current_setting('server_version_num')::int / 10000, current_setting('server_version'),
       pg_encoding_to_char(encoding), datctype,
       (SELECT array_agg(name::text ORDER BY name) FROM pg_available_extensions WHERE name = ANY(%s)),
       current_setting('max_connections')::int,
       (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend'),
       has_database_privilege(datname, 'CREATE'),
       CASE
           WHEN r.rolcanlogin OR r.rolsuper OR r.rolbypassrls
               THEN 'ALTER ROLE nightmarket_merchant NOLOGIN NOSUPERUSER NOBYPASSRLS'
           WHEN r.rolname IS NULL AND NOT (me.rolsuper OR me.rolcreaterole)
               THEN format('CREATE ROLE nightmarket_merchant NOLOGIN; '
                   'GRANT nightmarket_merchant TO %%I WITH INHERIT FALSE, SET TRUE', me.rolname)
           WHEN r.rolname IS NOT NULL AND NOT pg_has_role(me.oid, r.oid, 'SET')
               AND NOT pg_has_role(me.oid, r.oid, 'MEMBER WITH ADMIN OPTION')
               THEN format('GRANT nightmarket_merchant TO %%I WITH INHERIT FALSE, SET TRUE', me.rolname)
           ELSE ''
       END
FROM pg_database JOIN pg_roles AS me ON me.rolname = current_user
    LEFT JOIN pg_roles AS r ON r.rolname = 'nightmarket_merchant'
WHERE datname = current_database()
"""


def inspect(url: str) -> Server:
    """Ask the server. Raises StartRefused, with a hint, when it cannot be reached or does not let us in."""
    try:
        with psycopg.connect(url, connect_timeout=CONNECT_SECONDS, client_encoding="utf8") as connection:
            row = connection.execute(QUESTION, [list(EXTENSIONS)]).fetchone()
    except psycopg.Error as error:
        raise StartRefused(_explain(url, error)) from error
    assert row is not None, "a connection is always to some database"
    return Server(
        version=row[0],
        release=row[1],
        encoding=row[2],
        character_locale=row[3],
        extensions=row[4] or [],
        max_connections=row[5],
        connections=row[6],
        may_create=row[7],
        merchants=row[8],
    )


def check(url: str) -> Server:
    """The server, if Nightmarket can run on it; else StartRefused says what is missing."""
    server = inspect(url)
    if server.version < LEAST_VERSION:
        raise StartRefused(
            f"DATABASE_URL leads to PostgreSQL {server.release}; Nightmarket needs {LEAST_VERSION} or newer. "
            "Upgrade it, or leave DATABASE_URL out to use the one that comes along."
        )
    if server.encoding != "UTF8":
        raise StartRefused(
            f"The database is encoded in {server.encoding}; Nightmarket needs UTF8. "
            "Make a new one: CREATE DATABASE nightmarket ENCODING 'UTF8' TEMPLATE template0"
        )
    missing = [name for name in EXTENSIONS if name not in server.extensions]
    if missing:
        raise StartRefused(
            f"The server lacks the extensions {', '.join(missing)}. "
            "Install them there (Debian: postgresql-contrib and postgresql-18-pgvector) and start again."
        )
    if not server.may_create:
        raise StartRefused("Our role may not make schemas in that database: GRANT CREATE ON DATABASE ... TO ...")
    if server.merchants:
        raise StartRefused(f"Merchants' people read through a role of their own, which wants: {server.merchants};")
    return server


def _explain(url: str, error: psycopg.Error) -> str:
    parts = urlsplit(url)
    said = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
    where = f"{parts.hostname or 'localhost'}:{parts.port or 5432}"
    if "password" in said or "authentication" in said or "role" in said:
        hint = "Check user and password in DATABASE_URL."
    elif "database" in said and "does not exist" in said:
        hint = f"Make it: createdb {parts.path.strip('/') or 'nightmarket'}"
    else:
        hint = "Check host and port in DATABASE_URL, and that the server runs and lets this machine in."
    return f"The database at {where} cannot be used: {said}. {hint}"
