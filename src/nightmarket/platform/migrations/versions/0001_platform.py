"""The tables of the platform: facts, who may do what, messages, media and jobs."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

UP = """
CREATE SCHEMA platform;

CREATE TABLE platform.epoch (
    epoch integer PRIMARY KEY,
    opened_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO platform.epoch (epoch) VALUES (1);

CREATE FUNCTION platform.current_epoch() RETURNS integer LANGUAGE sql STABLE
    AS 'SELECT max(epoch) FROM platform.epoch';

CREATE TABLE platform.fact (
    id uuid NOT NULL,
    epoch integer NOT NULL DEFAULT platform.current_epoch(),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    sequence bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL,
    kind text NOT NULL,
    amount integer NOT NULL,
    payload bytea NOT NULL,
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE TABLE platform.fact_default PARTITION OF platform.fact DEFAULT;
CREATE INDEX fact_by_cursor ON platform.fact (epoch, xid, sequence);
COMMENT ON COLUMN platform.fact.amount IS 'how many things the payload lists';

CREATE TABLE platform.subscription (
    name text PRIMARY KEY,
    epoch integer NOT NULL DEFAULT 0,
    xid xid8 NOT NULL DEFAULT '0',
    sequence bigint NOT NULL DEFAULT 0,
    handled bigint NOT NULL DEFAULT 0,
    moved_at timestamptz NOT NULL DEFAULT now(),
    failing_since timestamptz,
    failure text
);

CREATE TABLE platform.account (
    id uuid PRIMARY KEY,
    email text NOT NULL UNIQUE CHECK (email <> '' AND length(email) <= 254),
    name text NOT NULL,
    role text NOT NULL,
    merchant_id uuid,
    password_hash text NOT NULL,
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suspended')),
    created_at timestamptz NOT NULL
);
COMMENT ON COLUMN platform.account.email IS 'case-folded';

CREATE TABLE platform.web_session (
    token_hash bytea PRIMARY KEY CHECK (length(token_hash) = 32),
    account_id uuid NOT NULL REFERENCES platform.account ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX web_session_by_account ON platform.web_session (account_id);
CREATE INDEX web_session_by_expiry ON platform.web_session (expires_at);

CREATE TABLE platform.api_key (
    id uuid PRIMARY KEY,
    prefix text NOT NULL UNIQUE,
    secret_hash bytea NOT NULL CHECK (length(secret_hash) = 32),
    name text NOT NULL,
    scopes text[] NOT NULL,
    merchant_id uuid,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);

CREATE TABLE platform.login_attempt (
    key text PRIMARY KEY,
    tries integer NOT NULL,
    window_ends_at timestamptz NOT NULL
);
CREATE INDEX login_attempt_by_end ON platform.login_attempt (window_ends_at);
COMMENT ON TABLE platform.login_attempt IS 'tries per account and per address, hashed; shared by all processes';

CREATE TABLE platform.message (
    id uuid PRIMARY KEY,
    key text NOT NULL UNIQUE,
    channel text NOT NULL CHECK (channel IN ('mail', 'push', 'sms')),
    recipient text NOT NULL,
    language text NOT NULL,
    subject text NOT NULL,
    text text NOT NULL,
    html text,
    about text,
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sent', 'failed')),
    tries integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    sent_at timestamptz,
    failure text
);
CREATE INDEX message_due ON platform.message (due_at, id) WHERE state = 'queued';
CREATE INDEX message_about ON platform.message (about, id) WHERE about IS NOT NULL;

CREATE TABLE platform.inbox (
    id uuid PRIMARY KEY,
    channel text NOT NULL,
    recipient text NOT NULL,
    subject text NOT NULL,
    text text NOT NULL,
    html text,
    arrived_at timestamptz NOT NULL
);
COMMENT ON TABLE platform.inbox IS 'what the local channel delivered, for people to read in the console';

CREATE TABLE platform.media (
    sha256 text PRIMARY KEY CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    bytes integer NOT NULL CHECK (bytes > 0),
    width integer NOT NULL CHECK (width > 0),
    height integer NOT NULL CHECK (height > 0),
    mime text NOT NULL,
    colour text NOT NULL CHECK (colour ~ '^#[0-9a-f]{6}$'),
    blur text NOT NULL,
    created_at timestamptz NOT NULL
);
COMMENT ON COLUMN platform.media.blur IS 'data URI of a picture at most 16 pixels wide and high';

CREATE TABLE platform.job (
    id text PRIMARY KEY CHECK (id <> '' AND length(id) <= 200),
    name text NOT NULL,
    arguments bytea NOT NULL,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    cancel_asked boolean NOT NULL DEFAULT false,
    started_at timestamptz,
    finished_at timestamptz,
    done bigint NOT NULL DEFAULT 0,
    total bigint,
    message text NOT NULL DEFAULT '',
    failure text
);
CREATE INDEX job_queued ON platform.job (requested_at, id) WHERE state IN ('queued', 'running');
CREATE INDEX job_by_time ON platform.job (requested_at DESC, id DESC);
COMMENT ON COLUMN platform.job.arguments IS 'msgpack';
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute("DROP SCHEMA platform CASCADE")
