"""Places that shoppers visit, and samples with appointments."""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE promotions.place (
    id uuid PRIMARY KEY,
    slug text NOT NULL UNIQUE,
    merchant uuid,
    terms jsonb NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL CHECK (ends_at > starts_at),
    made_at timestamptz NOT NULL,
    made_by text NOT NULL
);
COMMENT ON COLUMN promotions.place.merchant IS 'whose counter it is; NULL: a mall, which is everybody''s';

CREATE TABLE promotions.place_visit (
    owner uuid NOT NULL,
    place uuid NOT NULL,
    slug text NOT NULL,
    visited_at timestamptz NOT NULL,
    until_at timestamptz NOT NULL CHECK (until_at > visited_at),
    PRIMARY KEY (owner, place)
);
COMMENT ON TABLE promotions.place_visit IS 'distributed by owner; swept once over';
CREATE INDEX place_visit_until ON promotions.place_visit (until_at);

CREATE TABLE promotions.sample (
    id uuid PRIMARY KEY,
    merchant uuid NOT NULL,
    place uuid NOT NULL REFERENCES promotions.place,
    name jsonb NOT NULL,
    made_at timestamptz NOT NULL,
    made_by text NOT NULL
);
CREATE INDEX sample_merchant ON promotions.sample (merchant);

CREATE TABLE promotions.sample_slot (
    id uuid PRIMARY KEY,
    sample uuid NOT NULL REFERENCES promotions.sample,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL CHECK (ends_at > starts_at),
    seats integer NOT NULL CHECK (seats > 0),
    UNIQUE (sample, starts_at)
);
CREATE INDEX sample_slot_ends ON promotions.sample_slot (ends_at);

CREATE TABLE promotions.sample_booking (
    id uuid PRIMARY KEY,
    sample uuid NOT NULL,
    merchant uuid NOT NULL,
    slot uuid NOT NULL REFERENCES promotions.sample_slot,
    person uuid NOT NULL,
    account uuid,
    email text NOT NULL,
    first_name text NOT NULL,
    language text NOT NULL,
    code text NOT NULL,
    state text NOT NULL CHECK (state IN ('booked', 'cancelled', 'came', 'missed')),
    booked_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    reminded_at timestamptz
);
COMMENT ON COLUMN promotions.sample_booking.person IS 'the key of an address; name and address go a day after the slot';
CREATE UNIQUE INDEX sample_booking_once ON promotions.sample_booking (sample, person) WHERE state <> 'cancelled';
CREATE UNIQUE INDEX sample_booking_code ON promotions.sample_booking (merchant, code);
CREATE INDEX sample_booking_slot ON promotions.sample_booking (slot);
CREATE INDEX sample_booking_account ON promotions.sample_booking (account) WHERE account IS NOT NULL;

ALTER TABLE promotions.place ENABLE ROW LEVEL SECURITY;
ALTER TABLE promotions.sample ENABLE ROW LEVEL SECURITY;
ALTER TABLE promotions.sample_booking ENABLE ROW LEVEL SECURITY;
"""

DOWN = """
DROP TABLE promotions.sample_booking;
DROP TABLE promotions.sample_slot;
DROP TABLE promotions.sample;
DROP TABLE promotions.place_visit;
DROP TABLE promotions.place;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
