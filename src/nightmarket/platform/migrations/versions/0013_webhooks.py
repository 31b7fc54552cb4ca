"""What is sent to those who asked to hear of their orders."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

UP = """
-- Who buys for others: the owner of sessions (an API key, or what an agent's header derives to) and its profile.
CREATE TABLE platform.agent (
    owner uuid PRIMARY KEY,
    profile text NOT NULL,
    seen_at timestamptz NOT NULL,
    silent_until timestamptz
);
CREATE INDEX agent_profile ON platform.agent (profile);
CREATE INDEX agent_seen ON platform.agent (seen_at);

-- One address per API key, for the orders of its owner.
CREATE TABLE platform.webhook (
    owner uuid PRIMARY KEY,
    url text NOT NULL,
    set_at timestamptz NOT NULL
);

-- One row per event and receiver. `source` is an agent's profile, or '' for the address of the API key `owner`.
CREATE TABLE platform.webhook_delivery (
    id uuid PRIMARY KEY,
    about uuid NOT NULL,
    event text NOT NULL,
    owner uuid NOT NULL,
    source text NOT NULL,
    url text NOT NULL DEFAULT '',
    happened_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sent', 'failed')),
    tries integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL,
    tried_at timestamptz,
    sent_at timestamptz,
    status integer,
    answer text NOT NULL DEFAULT '',
    failure text
);
CREATE INDEX webhook_delivery_due ON platform.webhook_delivery (due_at, id) WHERE state = 'queued';
CREATE INDEX webhook_delivery_about ON platform.webhook_delivery (about);
CREATE INDEX webhook_delivery_newest ON platform.webhook_delivery (created_at DESC, id DESC);

-- The shop's own keys; `sealed` is the private half under the shop's secret.
CREATE TABLE platform.signing_key (
    kid text PRIMARY KEY,
    jwk jsonb NOT NULL,
    sealed bytea NOT NULL,
    made_at timestamptz NOT NULL,
    signs_from timestamptz NOT NULL,
    shown_until timestamptz
);
"""
DOWN = """
DROP TABLE platform.signing_key;
DROP TABLE platform.webhook_delivery;
DROP TABLE platform.webhook;
DROP TABLE platform.agent;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
