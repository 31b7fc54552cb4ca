"""Collaborations: joint offers of two merchants, and who goes well with whom."""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE promotions.collaboration (
    id uuid PRIMARY KEY,
    first uuid NOT NULL,
    second uuid NOT NULL CHECK (second <> first),
    offer uuid NOT NULL UNIQUE,
    terms jsonb NOT NULL,
    merchant uuid CHECK (merchant IN (first, second)),
    state text NOT NULL
        CHECK (state IN ('proposed', 'accepted', 'published', 'declined', 'refused', 'withdrawn', 'ended')),
    agreed uuid[] NOT NULL CHECK (agreed <@ ARRAY[first, second]),
    proposed_at timestamptz NOT NULL,
    proposed_by text NOT NULL,
    decided_at timestamptz,
    decided_by text NOT NULL DEFAULT '',
    reason text NOT NULL DEFAULT '',
    CHECK (state NOT IN ('accepted', 'published', 'refused', 'ended') OR agreed @> ARRAY[first, second])
);
COMMENT ON TABLE promotions.collaboration IS
    'a joint offer of two merchants; its terms never change; merchant: who proposed it, null: the market; offer: the '
    'id of the ordinary offer that it becomes when both merchants and the market have agreed';
CREATE INDEX collaboration_by_first ON promotions.collaboration (first, proposed_at DESC);
CREATE INDEX collaboration_by_second ON promotions.collaboration (second, proposed_at DESC);
ALTER TABLE promotions.collaboration ENABLE ROW LEVEL SECURITY;

CREATE TABLE promotions.partner_proposal (
    merchant uuid NOT NULL,
    partner uuid NOT NULL CHECK (partner <> merchant),
    score double precision NOT NULL,
    body jsonb NOT NULL,
    PRIMARY KEY (merchant, partner)
);
COMMENT ON TABLE promotions.partner_proposal IS 'who would go well with whom; computed anew as a whole';
ALTER TABLE promotions.partner_proposal ENABLE ROW LEVEL SECURITY;

CREATE TABLE promotions.partner_run (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    at timestamptz NOT NULL,
    orders bigint NOT NULL,
    buyers bigint NOT NULL
);

CREATE OR REPLACE VIEW payments.merchant_leg WITH (security_barrier) AS
    SELECT p.about, p.id, p.kind, p.currency, p.at, leg.party AS merchant, leg.amount, leg.account
    FROM payments.posting AS p, unnest(p.accounts, p.parties, p.amounts) AS leg(account, party, amount)
    WHERE leg.account IN (2, 9)
        AND leg.party = (SELECT nullif(current_setting('nightmarket.merchant', true), '')::uuid);
COMMENT ON VIEW payments.merchant_leg IS 'what the journal owes one merchant, and what other merchants pay it or it '
    'pays them: a posting has legs of several, so the merchants'' role reads this view and never the table';
"""

DOWN = """
DROP VIEW payments.merchant_leg;
CREATE VIEW payments.merchant_leg WITH (security_barrier) AS
    SELECT p.about, p.id, p.kind, p.currency, p.at, leg.party AS merchant, leg.amount
    FROM payments.posting AS p, unnest(p.accounts, p.parties, p.amounts) AS leg(account, party, amount)
    WHERE leg.account = 2
        AND leg.party = (SELECT nullif(current_setting('nightmarket.merchant', true), '')::uuid);
GRANT SELECT ON payments.merchant_leg TO nightmarket_merchant;
DROP TABLE promotions.partner_run, promotions.partner_proposal, promotions.collaboration;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
