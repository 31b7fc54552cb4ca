"""Wallets: money with a purpose and an end."""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE payments.wallet_source (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('cashback', 'packet', 'open')),
    terms jsonb NOT NULL,
    secret bytea NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz NOT NULL CHECK (until > since),
    made_at timestamptz NOT NULL,
    made_by text NOT NULL,
    ended_at timestamptz,
    done_at timestamptz,
    after uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    opened integer NOT NULL DEFAULT 0 CHECK (opened >= 0)
);
COMMENT ON COLUMN payments.wallet_source.after IS 'the last account that a packet was sent to, in order of id';
CREATE INDEX wallet_source_open ON payments.wallet_source (kind, until) WHERE ended_at IS NULL AND done_at IS NULL;

CREATE TABLE payments.wallet_listed (
    source uuid NOT NULL REFERENCES payments.wallet_source,
    account uuid NOT NULL,
    PRIMARY KEY (source, account)
);

CREATE TABLE payments.wallet_lot (
    id uuid PRIMARY KEY,
    account uuid NOT NULL,
    source uuid NOT NULL REFERENCES payments.wallet_source,
    about uuid NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    currency text NOT NULL,
    spend_from timestamptz NOT NULL,
    spend_until timestamptz NOT NULL,
    given_at timestamptz NOT NULL,
    part integer NOT NULL DEFAULT 0,
    due_at timestamptz,
    reminded_at timestamptz,
    changes integer NOT NULL DEFAULT 0
);
COMMENT ON COLUMN payments.wallet_lot.about IS 'the order that earned it, or its source';
COMMENT ON COLUMN payments.wallet_lot.part IS 'which part of an open packet it is, from 1';
COMMENT ON COLUMN payments.wallet_lot.due_at IS 'when a reminder or its end is due; null: nothing is left of it';
COMMENT ON COLUMN payments.wallet_lot.changes IS 'how often money has left it otherwise than by an order';
CREATE INDEX wallet_lot_account ON payments.wallet_lot (account, spend_until);
CREATE INDEX wallet_lot_source ON payments.wallet_lot (source);
CREATE INDEX wallet_lot_due ON payments.wallet_lot (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE payments.wallet_earning (
    source uuid NOT NULL REFERENCES payments.wallet_source,
    order_id uuid NOT NULL,
    account uuid NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    state text NOT NULL CHECK (state IN ('waiting', 'credited', 'dropped', 'taken_back')),
    credit_at timestamptz NOT NULL,
    settled bigint NOT NULL DEFAULT 0,
    taken bigint NOT NULL DEFAULT 0,
    owed bigint NOT NULL DEFAULT 0 CHECK (owed >= 0),
    PRIMARY KEY (order_id, source),
    CHECK (settled BETWEEN 0 AND amount AND taken BETWEEN 0 AND amount AND owed <= amount)
);
COMMENT ON COLUMN payments.wallet_earning.settled IS 'what of it paid for cashback that was owed, instead of a lot';
COMMENT ON COLUMN payments.wallet_earning.taken IS 'what was taken back when the order was cancelled';
COMMENT ON COLUMN payments.wallet_earning.owed
    IS 'what could not be taken back, as it was spent; the next pays it';
CREATE INDEX wallet_earning_waiting ON payments.wallet_earning (credit_at) WHERE state = 'waiting';
CREATE INDEX wallet_earning_owed ON payments.wallet_earning (account, source) WHERE owed > 0;
CREATE INDEX wallet_earning_source ON payments.wallet_earning (source);

CREATE TABLE payments.wallet_offer_use (
    festival uuid NOT NULL,
    account uuid NOT NULL,
    PRIMARY KEY (festival, account)
);
COMMENT ON TABLE payments.wallet_offer_use IS 'accounts that have a paid order with an offer in a festival''s windows';

CREATE INDEX posting_of_wallets ON payments.posting USING gin (parties) WHERE kind ^@ 'wallet_';
COMMENT ON INDEX payments.posting_of_wallets IS 'what happened to a lot: its postings are of kinds that begin so';
"""

DOWN = """
DROP INDEX payments.posting_of_wallets;
DROP TABLE payments.wallet_offer_use;
DROP TABLE payments.wallet_earning;
DROP TABLE payments.wallet_lot;
DROP TABLE payments.wallet_listed;
DROP TABLE payments.wallet_source;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
