"""Merchants who sign up, and a database role for their people, under row-level security: docs/explanation/access.md."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# Roles belong to the whole cluster: the revision may run in several databases at once, and finds the role there or not.
ROLE = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'nightmarket_merchant') THEN
        BEGIN
            CREATE ROLE nightmarket_merchant NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END IF;
    IF NOT pg_has_role(current_user, 'nightmarket_merchant', 'SET') THEN
        BEGIN
            EXECUTE format('GRANT nightmarket_merchant TO %I WITH INHERIT FALSE, SET TRUE', current_user);
        EXCEPTION WHEN unique_violation THEN
            NULL;
        END;
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE EXCEPTION USING
        ERRCODE = 'insufficient_privilege',
        MESSAGE = format('The role %I may not make the role that merchants'' people read through.', current_user),
        HINT = format('Let an administrator run: CREATE ROLE nightmarket_merchant NOLOGIN; '
            'GRANT nightmarket_merchant TO %I WITH INHERIT FALSE, SET TRUE; (skip what is there already)',
            current_user);
END $$
"""

MINE = "(SELECT nullif(current_setting('nightmarket.merchant', true), '')::uuid)"
"""The merchant that the transaction is for; null, which equals nothing, where none is set. Asked once a query."""

APPLICATION = """
CREATE TABLE catalog.application (
    merchant uuid PRIMARY KEY REFERENCES catalog.merchant,
    contact text NOT NULL,
    sells text NOT NULL,
    language text NOT NULL,
    terms_version text NOT NULL,
    terms_accepted_at timestamptz NOT NULL,
    decided_at timestamptz,
    decided_by text NOT NULL DEFAULT ''
);
COMMENT ON TABLE catalog.application IS 'what a merchant said when signing up; imported merchants have none'
"""

FORCED = (
    ("catalog.merchant", "id"),
    ("catalog.application", "merchant"),
    ("catalog.place", "merchant"),
    ("catalog.product", "merchant"),
    ("catalog.variant", "merchant"),
    ("catalog.stock", "merchant"),
    ("catalog.shelving", "merchant"),
    ("catalog.past", "merchant"),
    ("engagement.enquiry", "merchant"),
)
"""Tables, each with the column of the row itself that says whose it is. The owner is bound too, by a policy of its
own that lets everything through."""

READABLE = (*FORCED, ("orders.order", "merchant"))
"""The orders' owner is left free: COPY, by which they come in, refuses a table whose policies bind it."""

SHARED = "catalog.category, catalog.brand, catalog.attribute, catalog.size_chart"
"""Words that all merchants use: no row of them is anybody's."""

CLOSED = """
DO $$
DECLARE found record;
BEGIN
    FOR found IN
        SELECT c.oid::regclass AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND NOT c.relrowsecurity
            AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'public', 'dbos')
            AND EXISTS (SELECT FROM pg_attribute a
                WHERE a.attrelid = c.oid AND a.attname IN ('merchant', 'merchant_id') AND NOT a.attisdropped)
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', found.name);
    END LOOP;
END $$
"""
"""Further tables that name a merchant, such as accounts: the role has no right to them, and no policy lets it in."""

LEGS = """
CREATE VIEW payments.merchant_leg WITH (security_barrier) AS
    SELECT p.about, p.id, p.kind, p.currency, p.at, leg.party AS merchant, leg.amount
    FROM payments.posting AS p, unnest(p.accounts, p.parties, p.amounts) AS leg(account, party, amount)
    WHERE leg.account = 2
        AND leg.party = (SELECT nullif(current_setting('nightmarket.merchant', true), '')::uuid);
COMMENT ON VIEW payments.merchant_leg IS 'what the journal owes one merchant: a posting has legs of several, so the '
    'merchants'' role reads this view and never the table';
ALTER TABLE payments.posting ENABLE ROW LEVEL SECURITY;
GRANT USAGE ON SCHEMA payments TO nightmarket_merchant;
GRANT SELECT ON payments.merchant_leg TO nightmarket_merchant
"""


def upgrade() -> None:
    op.execute(ROLE)
    op.execute(APPLICATION)
    op.execute("GRANT USAGE ON SCHEMA catalog, engagement, orders TO nightmarket_merchant")
    for table, column in READABLE:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_rows ON {table} TO nightmarket_merchant "
            f"USING ({column} = {MINE}) WITH CHECK ({column} = {MINE})"
        )
        op.execute(f"GRANT SELECT ON {table} TO nightmarket_merchant")
    for table, _ in FORCED:
        op.execute(f"CREATE POLICY house ON {table} TO CURRENT_USER USING (true) WITH CHECK (true)")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"GRANT SELECT ON {SHARED} TO nightmarket_merchant")
    op.execute(LEGS)
    op.execute(CLOSED)


OPENED = """
DO $$
DECLARE found record;
BEGIN
    FOR found IN
        SELECT c.oid::regclass AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relrowsecurity AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'public', 'dbos')
    LOOP
        EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', found.name);
        EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', found.name);
    END LOOP;
END $$
"""


def downgrade() -> None:
    """Take the rights back; the role itself stays, as another database of the cluster may use it."""
    op.execute("DROP VIEW payments.merchant_leg")
    for table, _ in READABLE:
        op.execute(f"DROP POLICY own_rows ON {table}")
        op.execute(f"REVOKE ALL ON {table} FROM nightmarket_merchant")
    for table, _ in FORCED:
        op.execute(f"DROP POLICY house ON {table}")
    op.execute(OPENED)
    op.execute(f"REVOKE ALL ON {SHARED} FROM nightmarket_merchant")
    op.execute("REVOKE USAGE ON SCHEMA catalog, engagement, orders, payments FROM nightmarket_merchant")
    op.execute("DROP TABLE catalog.application")
