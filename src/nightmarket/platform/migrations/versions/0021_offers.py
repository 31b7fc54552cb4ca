"""What goods cost their merchants; the loss guard."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE catalog.variant ADD COLUMN costs jsonb NOT NULL DEFAULT '{}';
COMMENT ON COLUMN catalog.variant.costs IS 'what a piece costs its merchant, minor units per currency; never shown';

CREATE TABLE promotions.guard_sale (
    offer uuid NOT NULL,
    hour timestamptz NOT NULL,
    currency text NOT NULL,
    orders bigint NOT NULL CHECK (orders >= 0),
    discount bigint NOT NULL CHECK (discount >= 0),
    costed bigint NOT NULL,
    sold bigint NOT NULL,
    cost bigint NOT NULL,
    PRIMARY KEY (offer, hour, currency)
);
COMMENT ON TABLE promotions.guard_sale IS 'what paid orders had of an offer in an hour';
COMMENT ON COLUMN promotions.guard_sale.sold
    IS 'what the offer''s lines with a known cost brought, without delivery';

CREATE TABLE promotions.guard_rule (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    rules jsonb NOT NULL,
    at timestamptz NOT NULL,
    by text NOT NULL
);

CREATE TABLE promotions.guard_stop (
    id uuid PRIMARY KEY,
    offer uuid NOT NULL,
    reason text NOT NULL,
    body jsonb NOT NULL,
    at timestamptz NOT NULL,
    undone_at timestamptz,
    undone_by text NOT NULL DEFAULT ''
);
CREATE INDEX guard_stop_by_offer ON promotions.guard_stop (offer, at DESC);
"""

DOWN = """
DROP TABLE promotions.guard_stop, promotions.guard_rule, promotions.guard_sale;
ALTER TABLE catalog.variant DROP COLUMN costs;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
