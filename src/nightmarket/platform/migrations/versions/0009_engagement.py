"""Shoppers' profiles, wishes, followed brands and alerts."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

UP = """
CREATE SCHEMA engagement;

CREATE TABLE engagement.profile (
    account uuid PRIMARY KEY,
    language text NOT NULL,
    by_behaviour boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL
);
COMMENT ON COLUMN engagement.profile.by_behaviour IS 'whether what this shopper does may shape what is recommended';

CREATE TABLE engagement.address (
    id uuid PRIMARY KEY,
    account uuid NOT NULL,
    is_default boolean NOT NULL,
    first_name text NOT NULL,
    last_name text NOT NULL,
    street text NOT NULL,
    extended text NOT NULL,
    postal_code text NOT NULL,
    city text NOT NULL,
    region text NOT NULL,
    country text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    phone text NOT NULL,
    changed_at timestamptz NOT NULL
);
CREATE INDEX address_by_account ON engagement.address (account, id);
CREATE UNIQUE INDEX address_default ON engagement.address (account) WHERE is_default;

CREATE TABLE engagement.consent (
    id uuid PRIMARY KEY,
    account uuid NOT NULL,
    purpose text NOT NULL,
    granted boolean NOT NULL,
    text_version text NOT NULL,
    language text NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX consent_by_account ON engagement.consent (account, id);
COMMENT ON TABLE engagement.consent IS 'each decision with the words it was about; the latest of a purpose counts';

CREATE TABLE engagement.wish (
    owner uuid NOT NULL,
    product uuid NOT NULL,
    added_at timestamptz NOT NULL,
    PRIMARY KEY (owner, product)
);
COMMENT ON COLUMN engagement.wish.owner IS 'an account or a guest';

CREATE TABLE engagement.alert (
    id uuid PRIMARY KEY,
    owner uuid NOT NULL,
    variant uuid NOT NULL,
    email text NOT NULL,
    language text NOT NULL,
    asked_at timestamptz NOT NULL,
    told_at timestamptz
);
CREATE UNIQUE INDEX alert_once ON engagement.alert (variant, email) WHERE told_at IS NULL;
CREATE INDEX alert_waiting ON engagement.alert (variant, asked_at, id) WHERE told_at IS NULL;
CREATE INDEX alert_by_owner ON engagement.alert (owner) WHERE told_at IS NULL;
CREATE INDEX alert_by_email ON engagement.alert (email);

CREATE TABLE engagement.follow (
    account uuid NOT NULL,
    brand text NOT NULL,
    language text NOT NULL,
    since timestamptz NOT NULL,
    told_until timestamptz NOT NULL,
    told integer NOT NULL DEFAULT 0,
    PRIMARY KEY (account, brand)
);
CREATE INDEX follow_by_brand ON engagement.follow (brand);

CREATE TABLE engagement.enquiry (
    id uuid PRIMARY KEY,
    merchant uuid NOT NULL,
    product uuid NOT NULL,
    title text NOT NULL,
    owner uuid NOT NULL,
    name text NOT NULL,
    email text NOT NULL,
    phone text NOT NULL,
    words text NOT NULL,
    language text NOT NULL,
    asked_at timestamptz NOT NULL,
    answered_at timestamptz,
    answered_by text NOT NULL DEFAULT ''
);
CREATE INDEX enquiry_by_merchant ON engagement.enquiry (merchant, id DESC);
CREATE INDEX enquiry_open_by_owner ON engagement.enquiry (owner) WHERE answered_at IS NULL;
CREATE INDEX enquiry_by_email ON engagement.enquiry (email);
COMMENT ON TABLE engagement.enquiry IS 'someone wants to hear from a merchant about a product that is no cart matter';

CREATE TABLE engagement.launch (
    product uuid PRIMARY KEY,
    brand text NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX launch_by_brand ON engagement.launch (brand, at);
COMMENT ON TABLE engagement.launch IS 'what appeared of brands that somebody follows';
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute("""DROP SCHEMA engagement CASCADE""")
