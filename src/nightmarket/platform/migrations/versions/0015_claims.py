"""Claims of other shops beside ours."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

UP = """
CREATE SCHEMA claims;

CREATE TABLE claims.claim (
    id uuid PRIMARY KEY,
    client uuid NOT NULL,
    merchant uuid,
    reference text NOT NULL,
    request bytea NOT NULL CHECK (length(request) = 16),
    lines bytea NOT NULL,
    units bigint NOT NULL CHECK (units > 0),
    state smallint NOT NULL DEFAULT 1,
    deadline timestamptz NOT NULL,
    made_at timestamptz NOT NULL,
    ended_at timestamptz,
    CHECK ((state = 1) = (ended_at IS NULL))
) WITH (fillfactor = 80);
COMMENT ON TABLE claims.claim IS
'distributed by id; its units are the tally claim of that id; state: 1 held, 2 settled, 3 released, 4 lapsed';
COMMENT ON COLUMN claims.claim.client IS 'the API key that made it';
COMMENT ON COLUMN claims.claim.merchant IS 'whose key it was; null: the operator''s';
CREATE INDEX claim_due ON claims.claim (deadline, id) WHERE state = 1;
ALTER TABLE claims.claim ENABLE ROW LEVEL SECURITY;

CREATE TABLE claims.named (
    tally uuid PRIMARY KEY,
    owner uuid NOT NULL,
    name text NOT NULL CHECK (name <> '' AND length(name) <= 100),
    opened_at timestamptz NOT NULL,
    UNIQUE (owner, name)
);
COMMENT ON TABLE claims.named IS
'tallies that another shop counts by a name of its own; owner: the merchant, or all zeros for the operator';

CREATE TABLE claims.request (
    id uuid PRIMARY KEY,
    digest bytea NOT NULL CHECK (length(digest) = 16),
    at timestamptz NOT NULL
);
CREATE INDEX request_by_time ON claims.request (at);
COMMENT ON TABLE claims.request IS
'commands that are carried out once per idempotency key, and a digest of what was asked'
"""
DOWN = "DROP SCHEMA claims CASCADE"


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
