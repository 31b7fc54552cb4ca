"""Presales: what is booked early with a deposit, and who booked."""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE promotions.presale (
    id uuid PRIMARY KEY,
    merchant uuid NOT NULL,
    product uuid NOT NULL,
    variant uuid NOT NULL,
    currency text NOT NULL,
    price bigint NOT NULL,
    deposit bigint NOT NULL CHECK (deposit > 0),
    counts_for bigint NOT NULL CHECK (counts_for >= deposit AND counts_for < price),
    units integer NOT NULL CHECK (units > 0),
    rule text NOT NULL CHECK (rule IN ('back', 'kept', 'part')),
    part_back bigint NOT NULL CHECK (part_back BETWEEN 0 AND deposit),
    opens_at timestamptz NOT NULL,
    closes_at timestamptz NOT NULL CHECK (closes_at > opens_at),
    balance_from timestamptz NOT NULL CHECK (balance_from >= closes_at),
    balance_until timestamptz NOT NULL CHECK (balance_until > balance_from),
    ends_at timestamptz NOT NULL CHECK (ends_at >= balance_until),
    state text NOT NULL CHECK (state IN ('proposed', 'approved', 'declined', 'over')),
    lots uuid[] NOT NULL DEFAULT '{}',
    lot_units integer[] NOT NULL DEFAULT '{}',
    placed integer NOT NULL DEFAULT 0 CHECK (placed <= units),
    returned integer NOT NULL DEFAULT 0 CHECK (returned BETWEEN 0 AND units),
    lowest bigint,
    made_at timestamptz NOT NULL,
    made_by text NOT NULL,
    decided_by text NOT NULL DEFAULT '',
    reason text NOT NULL DEFAULT '',
    CHECK (cardinality(lots) = cardinality(lot_units))
);
COMMENT ON COLUMN promotions.presale.lots IS 'the tallies of stock from which the units were taken';
COMMENT ON COLUMN promotions.presale.returned IS 'units that went back to stock';
COMMENT ON COLUMN promotions.presale.lowest IS 'the lowest public price seen from opens_at to ends_at';
CREATE INDEX presale_variant ON promotions.presale (product) WHERE state = 'approved';
CREATE INDEX presale_open ON promotions.presale (ends_at) WHERE state = 'approved';
ALTER TABLE promotions.presale ENABLE ROW LEVEL SECURITY;

CREATE TABLE promotions.presale_booking (
    id uuid PRIMARY KEY,
    presale uuid NOT NULL REFERENCES promotions.presale,
    account uuid NOT NULL,
    language text NOT NULL,
    handler text NOT NULL,
    state text NOT NULL CHECK (state IN ('claimed', 'held', 'refused', 'paid', 'unpaid', 'returned')),
    place integer CHECK (place > 0),
    booked_at timestamptz NOT NULL,
    due_at timestamptz,
    reminded smallint NOT NULL DEFAULT 0,
    order_id uuid,
    order_total bigint,
    given_back bigint NOT NULL DEFAULT 0,
    kept bigint NOT NULL DEFAULT 0,
    CHECK (state IN ('claimed', 'refused') OR place IS NOT NULL),
    CHECK (state NOT IN ('paid', 'returned') OR order_id IS NOT NULL)
);
COMMENT ON COLUMN promotions.presale_booking.order_total IS 'what the order came to for these goods, without delivery';
COMMENT ON COLUMN promotions.presale_booking.given_back IS 'what of the deposit went back to the shopper';
COMMENT ON COLUMN promotions.presale_booking.kept IS 'what of the deposit the merchant has for good';
CREATE UNIQUE INDEX presale_booking_once ON promotions.presale_booking (presale, account)
    WHERE state IN ('claimed', 'held', 'paid');
CREATE UNIQUE INDEX presale_booking_place ON promotions.presale_booking (presale, place) WHERE place IS NOT NULL;
CREATE INDEX presale_booking_account ON promotions.presale_booking (account, booked_at DESC);
CREATE INDEX presale_booking_due ON promotions.presale_booking (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX presale_booking_order ON promotions.presale_booking (order_id) WHERE order_id IS NOT NULL;
"""

DOWN = """
DROP TABLE promotions.presale_booking;
DROP TABLE promotions.presale;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
