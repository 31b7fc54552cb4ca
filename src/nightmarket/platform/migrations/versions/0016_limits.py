"""Limits per buyer, and who a buyer is."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE platform.confirmation (
    id uuid PRIMARY KEY,
    key uuid NOT NULL,
    channel text NOT NULL CHECK (channel IN ('mail', 'sms')),
    hint text NOT NULL,
    code_hash bytea NOT NULL CHECK (length(code_hash) = 32),
    tries smallint NOT NULL DEFAULT 0,
    expires_at timestamptz NOT NULL
);
CREATE INDEX confirmation_by_end ON platform.confirmation (expires_at);
COMMENT ON TABLE platform.confirmation IS 'codes under way to an address of which only a keyed hash is kept';

CREATE INDEX adjustment_returned ON tally.adjustment (tally) WHERE cause = 'order cancelled';

CREATE TABLE orders.buyer (
    session uuid PRIMARY KEY REFERENCES orders.session ON DELETE CASCADE,
    identity uuid NOT NULL
);
COMMENT ON TABLE orders.buyer IS 'distributed by session: the key of the address that its buyer has proven, if any';
"""

DOWN = """
DROP TABLE orders.buyer;
DROP INDEX tally.adjustment_returned;
DROP TABLE platform.confirmation;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
