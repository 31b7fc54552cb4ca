"""Rehearsals and what they found; an index of their orders, which no other order pays for."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

UP = """
CREATE SCHEMA rehearsal;

CREATE TABLE rehearsal.run (
    id uuid PRIMARY KEY,
    key uuid NOT NULL,
    asked_at timestamptz NOT NULL,
    asked_by text NOT NULL,
    plan jsonb NOT NULL,
    ended_at timestamptz,
    outcome text
);
COMMENT ON COLUMN rehearsal.run.key IS 'The API key of its shoppers; their orders'' owners follow from it.';
COMMENT ON COLUMN rehearsal.run.outcome IS 'go, no-go, stopped or broken.';

CREATE INDEX order_shadow ON orders.order (placed_at, id) WHERE uuid_extract_version(owner) = 15;
"""
DOWN = """
DROP INDEX orders.order_shadow;
DROP SCHEMA rehearsal CASCADE;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
