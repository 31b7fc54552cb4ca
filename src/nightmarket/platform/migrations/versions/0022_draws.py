"""Draws and surprise prices: what was promised before, and what came of it."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE promotions.draw (
    id uuid PRIMARY KEY,
    terms text NOT NULL,
    opens_at timestamptz NOT NULL,
    closes_at timestamptz NOT NULL CHECK (closes_at > opens_at),
    seed bytea NOT NULL CHECK (length(seed) = 32),
    seed_hash bytea NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'closed', 'drawn', 'done')),
    made_at timestamptz NOT NULL,
    made_by text NOT NULL,
    tickets bigint NOT NULL DEFAULT 0,
    list_hash bytea NOT NULL DEFAULT ''::bytea,
    beacon_value text NOT NULL DEFAULT '',
    drawn_at timestamptz,
    winners integer NOT NULL DEFAULT 0,
    given integer NOT NULL DEFAULT 0 CHECK (given <= winners),
    CHECK ((state IN ('drawn', 'done')) = (drawn_at IS NOT NULL))
);
COMMENT ON COLUMN promotions.draw.terms IS 'JSON as it is published and hashed, letter by letter';
COMMENT ON COLUMN promotions.draw.seed IS 'secret until drawn_at, public after';
CREATE INDEX draw_due ON promotions.draw (closes_at) WHERE state <> 'done';

CREATE TABLE promotions.draw_ticket (
    draw uuid NOT NULL,
    id uuid NOT NULL,
    rule text NOT NULL,
    person uuid NOT NULL,
    account uuid,
    language text NOT NULL,
    taken_at timestamptz NOT NULL,
    place integer CHECK (place > 0),
    prize text,
    code text,
    claim uuid,
    given_at timestamptz,
    PRIMARY KEY (draw, id),
    CHECK ((place IS NULL) = (prize IS NULL)),
    CHECK (given_at IS NULL OR (place IS NOT NULL AND claim IS NOT NULL))
);
COMMENT ON TABLE promotions.draw_ticket IS 'distributed by draw; person is the key of an address, never published';
CREATE INDEX draw_ticket_person ON promotions.draw_ticket (person, taken_at DESC);
CREATE UNIQUE INDEX draw_ticket_place ON promotions.draw_ticket (draw, place) WHERE place IS NOT NULL;

CREATE TABLE promotions.surprise (
    id uuid PRIMARY KEY,
    merchant uuid NOT NULL,
    product uuid NOT NULL,
    variants uuid[] NOT NULL CHECK (cardinality(variants) > 0),
    currency text NOT NULL,
    price bigint NOT NULL CHECK (price > 0),
    mask text NOT NULL,
    salt bytea NOT NULL CHECK (length(salt) = 32),
    commitment bytea NOT NULL,
    early_at timestamptz NOT NULL,
    reveal_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL CHECK (ends_at > reveal_at),
    state text NOT NULL CHECK (state IN ('sealed', 'early', 'revealed', 'withdrawn')),
    made_at timestamptz NOT NULL,
    made_by text NOT NULL,
    CHECK (early_at <= reveal_at)
);
COMMENT ON COLUMN promotions.surprise.price IS 'secret, as the salt, until the reveal; then the price of an offer';
CREATE INDEX surprise_due ON promotions.surprise (reveal_at) WHERE state IN ('sealed', 'early');
CREATE INDEX surprise_product ON promotions.surprise (product);
ALTER TABLE promotions.surprise ENABLE ROW LEVEL SECURITY;

CREATE TABLE promotions.surprise_booking (
    surprise uuid NOT NULL REFERENCES promotions.surprise,
    person uuid NOT NULL,
    account uuid,
    language text NOT NULL,
    booked_at timestamptz NOT NULL,
    told_at timestamptz,
    PRIMARY KEY (surprise, person)
);
"""

DOWN = """
DROP TABLE promotions.surprise_booking;
DROP TABLE promotions.surprise;
DROP TABLE promotions.draw_ticket;
DROP TABLE promotions.draw;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
