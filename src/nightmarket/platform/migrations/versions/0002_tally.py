"""Tallies: everything scarce, and the claims on it."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

UP = """
CREATE SCHEMA tally;

CREATE TABLE tally.slice (
    tally uuid NOT NULL,
    slice smallint NOT NULL,
    slices smallint NOT NULL,
    kind smallint NOT NULL,
    capacity bigint NOT NULL,
    held bigint NOT NULL DEFAULT 0,
    spent bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tally, slice),
    CHECK (held >= 0 AND spent >= 0 AND held + spent <= capacity)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
COMMENT ON TABLE tally.slice IS 'distributed by tally';

CREATE TABLE tally.claim (
    id uuid PRIMARY KEY,
    state smallint NOT NULL,
    deadline timestamptz NOT NULL,
    tallies uuid[] NOT NULL,
    slices smallint[] NOT NULL,
    quantities bigint[] NOT NULL
) WITH (fillfactor = 80);
COMMENT ON TABLE tally.claim IS 'distributed by id; state: 1 held, 2 settled, 3 released, 4 lapsed';

CREATE TABLE tally.adjustment (
    id uuid NOT NULL,
    tally uuid NOT NULL,
    slice smallint NOT NULL,
    delta bigint NOT NULL,
    cause text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (id, tally, slice)
);
COMMENT ON TABLE tally.adjustment IS 'every change of a capacity; a slice''s capacity is the sum of its rows';
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute("DROP SCHEMA tally CASCADE")
