"""Group purchases: what is offered to groups, the groups, and who has a place in them."""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE promotions.group_offer (
    id uuid PRIMARY KEY,
    merchant uuid NOT NULL,
    product uuid NOT NULL,
    variants uuid[] NOT NULL CHECK (cardinality(variants) > 0),
    tiers jsonb NOT NULL,
    gather_hours integer NOT NULL CHECK (gather_hours > 0),
    most_groups integer NOT NULL CHECK (most_groups > 0),
    ends_at timestamptz NOT NULL,
    stopped_at timestamptz,
    made_at timestamptz NOT NULL,
    made_by text NOT NULL
);
COMMENT ON COLUMN promotions.group_offer.tiers IS 'list of [people, basis points], by people';
CREATE INDEX group_offer_product ON promotions.group_offer (product, ends_at);
ALTER TABLE promotions.group_offer ENABLE ROW LEVEL SECURITY;

CREATE TABLE promotions.buying_group (
    id uuid PRIMARY KEY,
    offer uuid NOT NULL,
    starter uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'complete', 'failed')),
    seats integer NOT NULL CHECK (seats > 0),
    joined integer NOT NULL DEFAULT 0 CHECK (joined BETWEEN 0 AND seats),
    tier integer NOT NULL DEFAULT 0,
    started_at timestamptz NOT NULL,
    deadline_at timestamptz NOT NULL CHECK (deadline_at > started_at),
    closed_at timestamptz,
    done_at timestamptz,
    looked_at timestamptz NOT NULL,
    CHECK ((state = 'open') = (closed_at IS NULL)),
    CHECK (done_at IS NULL OR closed_at IS NOT NULL),
    CHECK ((state = 'complete') = (tier > 0))
);
COMMENT ON TABLE promotions.buying_group IS 'tier counts from 1; done_at: all of its orders are settled or released';
CREATE INDEX buying_group_due ON promotions.buying_group (looked_at) WHERE done_at IS NULL;
CREATE INDEX buying_group_offer ON promotions.buying_group (offer, started_at DESC);
CREATE UNIQUE INDEX buying_group_once ON promotions.buying_group (offer, starter) WHERE state = 'open';

CREATE TABLE promotions.group_seat (
    buying_group uuid NOT NULL,
    order_id uuid NOT NULL,
    person uuid NOT NULL,
    owner uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('wanted', 'held', 'settled', 'left')),
    noted_at timestamptz NOT NULL,
    PRIMARY KEY (buying_group, order_id)
);
COMMENT ON TABLE promotions.group_seat IS 'the order that somebody began in a group; person is the key of an address';
CREATE INDEX group_seat_person ON promotions.group_seat (person, noted_at DESC);
CREATE INDEX group_seat_order ON promotions.group_seat (order_id);
"""

DOWN = """
DROP TABLE promotions.group_seat;
DROP TABLE promotions.buying_group;
DROP TABLE promotions.group_offer;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
