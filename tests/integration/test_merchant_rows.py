"""Row-level security: what the database itself lets a merchant's person see, whatever the code above it asks."""

from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from uuid import UUID

import asyncpg
import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from nightmarket.bootstrap import Shop
from nightmarket.kernel.ids import decode
from nightmarket.platform.database import MERCHANT_ROLE, MERCHANT_SETTING, Connection, Database
from nightmarket.platform.home import StartRefused
from nightmarket.platform.migrations import migrate
from nightmarket.platform.postgres.inspection import EXTENSIONS, QUESTION, check, inspect
from tests.open_shop import opened
from tests.placing import place_order

pytestmark = pytest.mark.engine

OURS = "n.nspname NOT IN ('pg_catalog', 'information_schema', 'public', 'dbos', 'pg_toast')"
NAMES_A_MERCHANT = """
EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname IN ('merchant', 'merchant_id')
    AND NOT a.attisdropped)
"""
OPEN_TO_THE_ROLE = f"""
SELECT c.oid::regclass::text AS name, c.relkind::text AS kind, c.relrowsecurity AS secured,
    (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid AND '{MERCHANT_ROLE}'::regrole = ANY(p.polroles)
        AND pg_get_expr(p.polqual, c.oid) LIKE '%{MERCHANT_SETTING}%'
        AND pg_get_expr(p.polwithcheck, c.oid) LIKE '%{MERCHANT_SETTING}%') AS policies
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm') AND {OURS} AND has_schema_privilege('{MERCHANT_ROLE}', n.oid, 'USAGE')
    AND has_table_privilege('{MERCHANT_ROLE}', c.oid, 'SELECT') ORDER BY 1
"""
UNSECURED = f"""
SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND {OURS} AND NOT c.relrowsecurity AND {NAMES_A_MERCHANT}
"""
WRITABLE = f"""
SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v') AND {OURS}
    AND has_table_privilege('{MERCHANT_ROLE}', c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
"""
SHARED = {"catalog.attribute", "catalog.brand", "catalog.category", "catalog.size_chart"}
"""Words that all merchants use; none of these tables has a merchant's column."""

OWN_COLUMN = {"catalog.merchant": "id"}
_roles = count(1)


@dataclass(frozen=True)
class House:
    shop: Shop
    mine: UUID
    theirs: UUID
    order: UUID

    @property
    def database(self) -> Database:
        return self.shop.database


@pytest.fixture(scope="module")
async def house(database: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[House]:
    async with opened(database, Path(tmp_path_factory.mktemp("home"))) as open_shop:
        order = await place_order(open_shop.client, [open_shop.items["LAMP"], open_shop.items["OOLONG"]])
        known = {merchant.slug: merchant.id for merchant in await open_shop.shop.catalog.merchants()}
        async with open_shop.shop.database.transaction() as tx:
            await tx.execute(
                """
                INSERT INTO catalog.shelving (product, category, merchant)
                SELECT id, category, merchant FROM catalog.product;
                INSERT INTO catalog.past (product, version, merchant, content, replaced_at, replaced_by)
                SELECT id, version, merchant, 'x', updated_at, 'test' FROM catalog.product;
                INSERT INTO catalog.application (merchant, contact, sells, language, terms_version, terms_accepted_at)
                SELECT id, 'x', 'x', 'en', '1', created_at FROM catalog.merchant;
                INSERT INTO engagement.enquiry
                    (id, merchant, product, title, owner, name, email, phone, words, language, asked_at)
                SELECT id, merchant, id, 'x', id, 'x', 'x', 'x', 'x', 'en', updated_at FROM catalog.product;
                INSERT INTO promotions.enrolment (id, campaign, merchant, product, variant, currency, list_price,
                    basis_points, price, floor, lowest, units, state, at, by)
                SELECT id, id, merchant, id, id, 'EUR', 2, 5000, 1, 0, 2, 1, 'proposed', updated_at, 'test'
                FROM catalog.product;
                """
            )
        yield House(open_shop.shop, known["lanterns"], known["teas"], decode("ord", order))


async def _readable(connection: Connection) -> dict[str, str]:
    """Tables and views that the role may read -> the column that says whose a row is."""
    found = {row["name"]: OWN_COLUMN.get(row["name"], "merchant") for row in await connection.fetch(OPEN_TO_THE_ROLE)}
    return {name: column for name, column in found.items() if name not in SHARED}


async def test_every_table_with_a_merchant_is_secured(house: House) -> None:
    """A table that names a merchant has row-level security; one that the role may read has a policy that compares its
    own column with the transaction's merchant, for reading and for writing."""
    async with house.database.read() as connection:
        assert [row[0] for row in await connection.fetch(UNSECURED)] == []
        rows = await connection.fetch(OPEN_TO_THE_ROLE)
    assert {row["name"] for row in rows} >= SHARED | {"catalog.product", 'orders."order"', "payments.merchant_leg"}
    for row in rows:
        if row["name"] not in SHARED and row["kind"] != "v":
            assert (row["secured"], row["policies"]) == (True, 1), row["name"]


async def test_the_role_may_write_nothing_and_enter_nowhere(house: House) -> None:
    """The role cannot sign in, passes no policy by rank, and has no right to change any table of ours."""
    async with house.database.read() as connection:
        assert [row[0] for row in await connection.fetch(WRITABLE)] == []
        role = await connection.fetchrow(
            "SELECT rolcanlogin, rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = $1", MERCHANT_ROLE
        )
    assert role is not None
    assert not any(role)


async def test_without_a_merchant_nothing_is_read(house: House) -> None:
    """Under the role, with no merchant set or an empty one, every table that holds somebody's rows is empty."""
    async with house.database.read() as connection:
        tables = await _readable(connection)
        assert len(tables) >= 9
        for name in tables:
            assert await connection.fetchval(f"SELECT count(*) FROM {name}") or name == "payments.merchant_leg", name
        for setting in (None, ""):
            async with connection.transaction():
                await connection.execute(f"SET LOCAL ROLE {MERCHANT_ROLE}")
                if setting is not None:
                    await connection.execute("SELECT set_config($1, $2, true)", MERCHANT_SETTING, setting)
                for name in tables:
                    assert await connection.fetchval(f"SELECT count(*) FROM {name}") == 0, name


async def test_a_merchant_reads_their_own_rows_only(house: House) -> None:
    """Each table shows a merchant exactly the rows that carry them, and never one of another."""
    async with house.database.read() as connection:
        tables = await _readable(connection)
        expected = {
            name: await connection.fetchval(f"SELECT count(*) FROM {name} WHERE {column} = $1", house.mine)
            for name, column in tables.items()
            if name != "payments.merchant_leg"
        }
    async with house.database.as_merchant(house.mine) as connection:
        for name, column in tables.items():
            whose = {row[0] for row in await connection.fetch(f"SELECT {column} FROM {name}")}
            assert whose == {house.mine}, name
        for name, amount in expected.items():
            assert await connection.fetchval(f"SELECT count(*) FROM {name}") == amount > 0, name
    nobody = UUID(int=1)
    async with house.database.as_merchant(nobody) as connection:
        for name in tables:
            assert await connection.fetchval(f"SELECT count(*) FROM {name}") == 0, name


async def test_what_is_not_a_merchants_is_out_of_reach(house: House) -> None:
    """Accounts, keys, carts, tallies, facts and the journal's own table are refused, whoever is set."""
    closed = (
        "platform.account",
        "platform.api_key",
        "platform.web_session",
        "platform.fact",
        "orders.session",
        "tally.slice",
        "payments.posting",
        "payments.payment",
        "promotions.revision",
    )
    for name in closed:
        async with house.database.as_merchant(house.mine) as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch(f"SELECT * FROM {name}")


async def test_nothing_is_written_through_the_role(house: House) -> None:
    """Writes are refused by the missing right; were it given, the policy would still refuse foreign rows."""
    async with house.database.as_merchant(house.mine) as connection:
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.ReadOnlySQLTransactionError)):
            await connection.execute("UPDATE catalog.product SET brand = 'mine now'")
    insert = "INSERT INTO catalog.place (id, merchant, code, name) VALUES ($1, $2, 'new', '{}')"
    async with house.database.committing() as connection:
        for merchant in (house.mine, house.theirs):
            refused = connection.transaction()
            await refused.start()
            await _become(connection, house.mine)
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(insert, house.shop.ids.new(), merchant)
            await refused.rollback()
        granted = connection.transaction()
        await granted.start()
        await connection.execute(f"GRANT INSERT, UPDATE, DELETE ON catalog.place TO {MERCHANT_ROLE}")
        await _become(connection, house.mine)
        await connection.execute(insert, house.shop.ids.new(), house.mine)
        assert await connection.execute("UPDATE catalog.place SET code = 'x' WHERE merchant = $1", house.theirs) == (
            "UPDATE 0"
        )
        assert await connection.execute("DELETE FROM catalog.place WHERE merchant = $1", house.theirs) == "DELETE 0"
        for statement, words in (
            (insert, (house.shop.ids.new(), house.theirs)),
            ("UPDATE catalog.place SET merchant = $1 WHERE code = 'new'", (house.theirs,)),
        ):
            tried = connection.transaction()
            await tried.start()
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                await connection.execute(statement, *words)
            await tried.rollback()
        await granted.rollback()


async def _become(connection: Connection, merchant: UUID) -> None:
    await connection.execute(f"SET LOCAL ROLE {MERCHANT_ROLE}")
    await connection.execute("SELECT set_config($1, $2, true)", MERCHANT_SETTING, str(merchant))


async def test_a_connection_keeps_nothing_of_the_merchant(database: str, house: House) -> None:
    """The same statement on the same connection sees all as the owner, then one merchant's rows, then another's, then
    all again: neither role nor merchant nor a prepared plan outlives the transaction, even one that fails."""
    ask = "SELECT count(*) FROM catalog.product WHERE id = ANY(SELECT product FROM catalog.variant)"
    shared = await Database.open(database, committers=1, readers=1)
    try:
        for _ in range(8):  # enough for PostgreSQL to keep a generic plan
            async with shared.read() as connection:
                everything = await connection.fetchval(ask)
            found: list[int] = []
            for merchant in (house.mine, house.theirs):
                async with shared.as_merchant(merchant) as connection:
                    found.append(await connection.fetchval(ask))
            assert all(0 < amount < everything for amount in found)
            assert sum(found) == everything
            with pytest.raises(asyncpg.DivisionByZeroError):
                async with shared.as_merchant(house.mine) as connection:
                    await connection.execute("SELECT 1 / 0")
            async with shared.read() as connection:
                assert await connection.fetchval("SELECT current_setting('nightmarket.merchant', true)") in (None, "")
                assert await connection.fetchval("SELECT current_user") != MERCHANT_ROLE
    finally:
        await shared.close()


async def test_the_journals_legs_are_ones_own(house: House) -> None:
    """Of a posting with legs of two merchants, buyer and provider, each merchant reads one leg: what it is owed."""
    for merchant in (house.mine, house.theirs):
        async with house.database.as_merchant(merchant) as connection:
            rows = await connection.fetch("SELECT * FROM payments.merchant_leg WHERE about = $1", house.order)
        assert [(row["merchant"], row["kind"]) for row in rows] == [(merchant, "placed")]
        assert rows[0]["amount"] < 0


@pytest.fixture
def plain_owner(postgres_url: str) -> Generator[tuple[str, str, str]]:
    """A database whose owner has no rank in the cluster: (URL as the owner, the owner's name, URL as administrator)."""
    number = next(_roles)
    owner, name = f"plain_owner_{number}", f"plain_{number}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(SQL("CREATE ROLE {} LOGIN PASSWORD 'plain'").format(Identifier(owner)))
        connection.execute(SQL("CREATE DATABASE {} OWNER {}").format(Identifier(name), Identifier(owner)))
        with psycopg.connect(f"{postgres_url.rpartition('/')[0]}/{name}", autocommit=True) as inside:
            inside.execute("CREATE EXTENSION vector")  # the one that an owner may not make
        server = postgres_url.rpartition("/")[0]
        place = server.rpartition("@")[2]
        yield f"postgresql://{owner}:plain@{place}/{name}", owner, f"{server}/{name}"
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
        connection.execute(SQL("DROP OWNED BY {} CASCADE").format(Identifier(owner)))
        connection.execute(SQL("DROP ROLE {}").format(Identifier(owner)))


def test_a_role_that_could_pass_the_policies_is_named(postgres_url: str) -> None:
    """A role of that name that may sign in or passes row-level security is refused, with the statement that mends it;
    seen in a transaction that is taken back."""
    assert inspect(postgres_url).merchants == ""
    with psycopg.connect(postgres_url) as connection:
        for right in ("LOGIN", "BYPASSRLS"):
            connection.execute(SQL("ALTER ROLE {} " + right).format(Identifier(MERCHANT_ROLE)))  # pyright: ignore[reportArgumentType]
            row = connection.execute(QUESTION, [list(EXTENSIONS)]).fetchone()
            assert row is not None
            assert row[8] == f"ALTER ROLE {MERCHANT_ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS"
            connection.rollback()


async def test_an_owner_without_rank_runs_the_shop(plain_owner: tuple[str, str, str], tmp_path: Path) -> None:
    """On somebody's own PostgreSQL: the revision says which statement its administrator has to run; after that a shop
    imports, sells and shows merchants their rows, though forced policies bind its owner."""
    url, owner, admin_url = plain_owner
    wanted = f"GRANT {MERCHANT_ROLE} TO {owner} WITH INHERIT FALSE, SET TRUE"
    assert inspect(url).merchants == wanted
    with pytest.raises(StartRefused, match=wanted):
        check(url)
    with pytest.raises(StartRefused, match=wanted):
        migrate.upgrade(url)
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(
            SQL("GRANT {} TO {} WITH INHERIT FALSE, SET TRUE").format(Identifier(MERCHANT_ROLE), Identifier(owner))
        )
    assert check(url).merchants == ""
    migrate.upgrade(url)
    async with opened(url, tmp_path / "home") as open_shop:
        order = await place_order(open_shop.client, [open_shop.items["LAMP"], open_shop.items["OOLONG"]])
        [mine] = [one for one in await open_shop.shop.catalog.merchants() if one.slug == "lanterns"]
        async with open_shop.shop.database.as_merchant(mine.id) as connection:
            assert await connection.fetchval("SELECT count(*) FROM catalog.product") == 2
            rows = await connection.fetch("SELECT id, merchant FROM orders.order")
        assert [(row["id"], row["merchant"]) for row in rows] == [(decode("ord", order), mine.id)]
        assert [one async for check in open_shop.shop.audit.run() for one in check.findings] == []
