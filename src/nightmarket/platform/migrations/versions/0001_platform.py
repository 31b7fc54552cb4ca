"""Facts and subscriptions: what happened, and who has heard of it."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

UP = """
CREATE SCHEMA platform;

CREATE TABLE platform.epoch (
    epoch integer PRIMARY KEY,
    opened_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO platform.epoch (epoch) VALUES (1);

CREATE FUNCTION platform.current_epoch() RETURNS integer LANGUAGE sql STABLE
    AS 'SELECT max(epoch) FROM platform.epoch';

CREATE TABLE platform.fact (
    id uuid NOT NULL,
    epoch integer NOT NULL DEFAULT platform.current_epoch(),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    sequence bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL,
    kind text NOT NULL,
    amount integer NOT NULL,
    payload bytea NOT NULL,
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE TABLE platform.fact_default PARTITION OF platform.fact DEFAULT;
CREATE INDEX fact_by_cursor ON platform.fact (epoch, xid, sequence);
COMMENT ON COLUMN platform.fact.amount IS 'how many things the payload lists';

CREATE TABLE platform.subscription (
    name text PRIMARY KEY,
    epoch integer NOT NULL DEFAULT 0,
    xid xid8 NOT NULL DEFAULT '0',
    sequence bigint NOT NULL DEFAULT 0,
    handled bigint NOT NULL DEFAULT 0,
    moved_at timestamptz NOT NULL DEFAULT now(),
    failing_since timestamptz,
    failure text
);
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute("DROP SCHEMA platform CASCADE")
