"""Segments: what shoppers are to the shop, and coupons that are aimed at them."""

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE engagement.profile ADD COLUMN person uuid;
COMMENT ON COLUMN engagement.profile.person IS 'the key of the address of the account, as of the last look';

CREATE TABLE engagement.purchase (
    id uuid PRIMARY KEY,
    person uuid NOT NULL,
    account uuid,
    placed_at timestamptz NOT NULL,
    currency text NOT NULL,
    total bigint NOT NULL CHECK (total >= 0),
    country text NOT NULL,
    merchants uuid[] NOT NULL,
    products uuid[] NOT NULL,
    categories text[] NOT NULL,
    brands text[] NOT NULL,
    offers uuid[] NOT NULL
);
COMMENT ON TABLE engagement.purchase IS 'paid orders, by what segments ask of them; id is the order''s';
COMMENT ON COLUMN engagement.purchase.person IS 'the key of the address it was ordered with';
CREATE INDEX purchase_by_person ON engagement.purchase (person);
CREATE INDEX purchase_by_account ON engagement.purchase (account) WHERE account IS NOT NULL;

CREATE TABLE engagement.guest (
    owner uuid PRIMARY KEY,
    person uuid NOT NULL,
    since_at timestamptz NOT NULL
);
COMMENT ON TABLE engagement.guest IS 'visits that have proven an address, and the key of it';
CREATE INDEX guest_by_person ON engagement.guest (person);
CREATE INDEX guest_by_since ON engagement.guest (since_at);

CREATE TABLE engagement.following (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    since_at timestamptz NOT NULL,
    whole_at timestamptz,
    counted_at timestamptz
);
COMMENT ON TABLE engagement.following IS 'one row once purchases are kept; whole_at: the earlier ones are there, too';

CREATE TABLE engagement.segment (
    id uuid PRIMARY KEY,
    word text NOT NULL UNIQUE,
    revision integer NOT NULL,
    rules jsonb NOT NULL,
    members bigint NOT NULL DEFAULT 0,
    counted_at timestamptz,
    ended_at timestamptz,
    made_at timestamptz NOT NULL,
    made_by text NOT NULL
);

CREATE TABLE engagement.segment_member (
    segment uuid NOT NULL REFERENCES engagement.segment,
    account uuid NOT NULL,
    PRIMARY KEY (segment, account)
);
CREATE INDEX segment_member_account ON engagement.segment_member (account);

ALTER TABLE promotions.place ADD COLUMN code integer NOT NULL DEFAULT 1 CHECK (code > 0);
ALTER TABLE promotions.place ADD COLUMN closed_at timestamptz;
COMMENT ON COLUMN promotions.place.code IS 'which of its QR codes is good: the one with this number';
"""

DOWN = """
ALTER TABLE promotions.place DROP COLUMN closed_at;
ALTER TABLE promotions.place DROP COLUMN code;
DROP TABLE engagement.segment_member;
DROP TABLE engagement.segment;
DROP TABLE engagement.following;
DROP TABLE engagement.guest;
DROP TABLE engagement.purchase;
ALTER TABLE engagement.profile DROP COLUMN person;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
