"""The festival: its revisions, switches, campaigns with enrolments; reminders, calendars, push subscriptions."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

FESTIVAL = """
CREATE TABLE promotions.festival (
    id uuid NOT NULL,
    revision integer NOT NULL CHECK (revision > 0),
    body jsonb NOT NULL,
    at timestamptz NOT NULL,
    by text NOT NULL,
    PRIMARY KEY (id, revision)
);
COMMENT ON TABLE promotions.festival IS 'a row is a revision and never changes; the highest one holds';

CREATE TABLE promotions.switch (
    key text PRIMARY KEY,
    at timestamptz NOT NULL,
    by text NOT NULL,
    plan uuid
);
COMMENT ON TABLE promotions.switch IS 'what is turned off: mechanic:, merchant: or block: and a name';

CREATE TABLE promotions.switched_offer (
    offer uuid PRIMARY KEY,
    at timestamptz NOT NULL
);
COMMENT ON TABLE promotions.switched_offer IS 'offers that switches took out of the book, to be put back';

CREATE TABLE promotions.plan_b (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    keys text[] NOT NULL,
    made_at timestamptz NOT NULL,
    made_by text NOT NULL,
    applied_at timestamptz,
    applied_by text NOT NULL DEFAULT ''
);

CREATE TABLE promotions.campaign (
    id uuid NOT NULL,
    revision integer NOT NULL CHECK (revision > 0),
    festival uuid NOT NULL,
    body jsonb NOT NULL,
    at timestamptz NOT NULL,
    by text NOT NULL,
    PRIMARY KEY (id, revision)
);

CREATE TABLE promotions.enrolment (
    id uuid PRIMARY KEY,
    campaign uuid NOT NULL,
    merchant uuid NOT NULL,
    product uuid NOT NULL,
    variant uuid NOT NULL,
    currency text NOT NULL,
    list_price bigint NOT NULL CHECK (list_price > 0),
    basis_points integer NOT NULL CHECK (basis_points BETWEEN 1 AND 10000),
    price bigint NOT NULL CHECK (price >= 0),
    floor bigint NOT NULL CHECK (floor >= 0),
    lowest bigint NOT NULL CHECK (lowest >= 0),
    units integer NOT NULL CHECK (units >= 0),
    state text NOT NULL CHECK (state IN ('proposed', 'approved', 'declined', 'withdrawn')),
    reason text NOT NULL DEFAULT '',
    at timestamptz NOT NULL,
    by text NOT NULL,
    decided_at timestamptz,
    decided_by text NOT NULL DEFAULT '',
    offer uuid,
    claim uuid,
    claim_until timestamptz
);
CREATE UNIQUE INDEX enrolment_once ON promotions.enrolment (campaign, variant) WHERE state IN ('proposed', 'approved');
CREATE INDEX enrolment_by_merchant ON promotions.enrolment (merchant, id DESC);
CREATE INDEX enrolment_by_campaign ON promotions.enrolment (campaign, id);
CREATE INDEX enrolment_put_aside ON promotions.enrolment (claim_until) WHERE claim_until IS NOT NULL;
COMMENT ON COLUMN promotions.enrolment.lowest IS 'the lowest public price of the thirty days before';
COMMENT ON COLUMN promotions.enrolment.claim IS 'what holds the units that are put aside until the campaign begins';
"""

MINE = "(SELECT nullif(current_setting('nightmarket.merchant', true), '')::uuid)"

ROWS = f"""
GRANT USAGE ON SCHEMA promotions TO nightmarket_merchant;
ALTER TABLE promotions.enrolment ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON promotions.enrolment TO nightmarket_merchant
    USING (merchant = {MINE}) WITH CHECK (merchant = {MINE});
CREATE POLICY house ON promotions.enrolment TO CURRENT_USER USING (true) WITH CHECK (true);
ALTER TABLE promotions.enrolment FORCE ROW LEVEL SECURITY;
GRANT SELECT ON promotions.enrolment TO nightmarket_merchant;
"""

SHOPPERS = """
CREATE TABLE platform.push_subscription (
    id uuid PRIMARY KEY,
    owner uuid NOT NULL,
    endpoint text NOT NULL,
    p256dh bytea NOT NULL,
    auth bytea NOT NULL,
    made_at timestamptz NOT NULL
);
CREATE INDEX push_subscription_by_owner ON platform.push_subscription (owner);
COMMENT ON TABLE platform.push_subscription IS 'browsers that agreed to be pushed to (RFC 8030, 8291)';

CREATE TABLE platform.push_twin (
    id uuid PRIMARY KEY,
    private bytea NOT NULL,
    auth bytea NOT NULL,
    made_at timestamptz NOT NULL
);
COMMENT ON TABLE platform.push_twin IS 'the demo''s own push service: the browsers that it plays';

CREATE TABLE engagement.reminder (
    id uuid PRIMARY KEY,
    owner uuid NOT NULL,
    phase uuid NOT NULL,
    channel text NOT NULL CHECK (channel IN ('mail', 'push')),
    target text NOT NULL,
    language text NOT NULL,
    lead_minutes integer NOT NULL CHECK (lead_minutes BETWEEN 0 AND 10080),
    asked_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    told_at timestamptz
);
CREATE UNIQUE INDEX reminder_once ON engagement.reminder (owner, phase, channel, target);
CREATE INDEX reminder_due ON engagement.reminder (due_at) WHERE told_at IS NULL;
CREATE INDEX reminder_by_phase ON engagement.reminder (phase) WHERE told_at IS NULL;

CREATE TABLE engagement.calendar (
    owner uuid PRIMARY KEY,
    token text NOT NULL UNIQUE,
    made_at timestamptz NOT NULL
);
COMMENT ON COLUMN engagement.calendar.token IS 'the end of the feed''s address; nobody can guess it';
"""


def upgrade() -> None:
    op.execute(FESTIVAL)
    op.execute(ROWS)
    op.execute(SHOPPERS)


def downgrade() -> None:
    op.execute("DROP TABLE engagement.calendar, engagement.reminder")
    op.execute("DROP TABLE platform.push_twin, platform.push_subscription")
    op.execute(
        "DROP TABLE promotions.enrolment, promotions.campaign, promotions.plan_b, promotions.switched_offer, "
        "promotions.switch, promotions.festival"
    )
    op.execute("REVOKE USAGE ON SCHEMA promotions FROM nightmarket_merchant")
