"""Coupons, booklets, red packets."""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE promotions.coupon (
    id uuid PRIMARY KEY,
    merchant uuid,
    way text NOT NULL CHECK (way IN ('open', 'codes', 'shared', 'sent', 'won')),
    word text NOT NULL DEFAULT '',
    collect_until timestamptz NOT NULL,
    use_until timestamptz NOT NULL CHECK (use_until >= collect_until),
    terms jsonb NOT NULL,
    ended_at timestamptz,
    made_at timestamptz NOT NULL,
    made_by text NOT NULL,
    CHECK ((way = 'shared') = (word <> ''))
);
CREATE UNIQUE INDEX coupon_word ON promotions.coupon (word) WHERE word <> '';
CREATE INDEX coupon_made ON promotions.coupon (made_at DESC, id);
CREATE INDEX coupon_open ON promotions.coupon (collect_until) WHERE way IN ('open', 'sent') AND ended_at IS NULL;
ALTER TABLE promotions.coupon ENABLE ROW LEVEL SECURITY;

CREATE TABLE promotions.coupon_addressed (
    coupon uuid NOT NULL REFERENCES promotions.coupon,
    person uuid NOT NULL,
    PRIMARY KEY (coupon, person)
);
COMMENT ON TABLE promotions.coupon_addressed IS 'who alone may collect it; person is the key of an address';
CREATE INDEX coupon_addressed_person ON promotions.coupon_addressed (person);

CREATE TABLE promotions.coupon_code (
    code text PRIMARY KEY,
    coupon uuid NOT NULL REFERENCES promotions.coupon,
    number integer NOT NULL CHECK (number > 0),
    person uuid,
    taken_at timestamptz,
    CHECK ((person IS NULL) = (taken_at IS NULL))
);
CREATE UNIQUE INDEX coupon_code_number ON promotions.coupon_code (coupon, number);

CREATE TABLE promotions.coupon_held (
    coupon uuid NOT NULL REFERENCES promotions.coupon,
    person uuid NOT NULL,
    how text NOT NULL,
    held_at timestamptz NOT NULL,
    PRIMARY KEY (coupon, person)
);
CREATE INDEX coupon_held_person ON promotions.coupon_held (person, held_at DESC);

CREATE TABLE promotions.coupon_holder (
    owner uuid NOT NULL,
    person uuid NOT NULL,
    PRIMARY KEY (owner, person)
);
COMMENT ON TABLE promotions.coupon_holder IS 'owners of carts (accounts, guests) whose proven address is that person';

CREATE TABLE promotions.booklet (
    id uuid PRIMARY KEY,
    opens_at timestamptz NOT NULL,
    closes_at timestamptz NOT NULL CHECK (closes_at > opens_at),
    terms jsonb NOT NULL,
    made_at timestamptz NOT NULL,
    made_by text NOT NULL
);
CREATE INDEX booklet_made ON promotions.booklet (made_at DESC, id);

CREATE TABLE promotions.booklet_stamp (
    booklet uuid NOT NULL REFERENCES promotions.booklet,
    person uuid NOT NULL,
    stamp text NOT NULL,
    occasion text NOT NULL,
    stamped_at timestamptz NOT NULL,
    PRIMARY KEY (booklet, person, stamp)
);
CREATE UNIQUE INDEX booklet_stamp_occasion ON promotions.booklet_stamp (booklet, stamp, occasion) WHERE occasion <> '';
"""

DOWN = """
DROP TABLE promotions.booklet_stamp;
DROP TABLE promotions.booklet;
DROP TABLE promotions.coupon_holder;
DROP TABLE promotions.coupon_held;
DROP TABLE promotions.coupon_code;
DROP TABLE promotions.coupon_addressed;
DROP TABLE promotions.coupon;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
