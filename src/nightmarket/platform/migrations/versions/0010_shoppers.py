"""Proof of e-mail addresses, and orders by their owner."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE platform.account ADD COLUMN email_confirmed_at timestamptz;
COMMENT ON COLUMN platform.account.email_confirmed_at IS 'when a link in a mail to this address was followed';

ALTER TABLE platform.web_session ADD COLUMN agent text NOT NULL DEFAULT '';
COMMENT ON COLUMN platform.web_session.agent IS 'browser and system in short, such as Firefox, Android';

CREATE TABLE platform.proof (
    token_hash bytea PRIMARY KEY CHECK (length(token_hash) = 32),
    purpose text NOT NULL CHECK (purpose IN ('sign_up', 'confirm', 'change_email', 'reset')),
    account_id uuid REFERENCES platform.account ON DELETE CASCADE,
    email text NOT NULL,
    details bytea NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX proof_by_email ON platform.proof (email);
CREATE INDEX proof_by_account ON platform.proof (account_id) WHERE account_id IS NOT NULL;
CREATE INDEX proof_by_expiry ON platform.proof (expires_at);
COMMENT ON TABLE platform.proof IS 'links in mails that prove an address; gone once used; details: msgpack';

ALTER TABLE platform.message ADD COLUMN secret boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN platform.message.secret IS 'its text opens a door: shown to nobody, forgotten once it was sent';
CREATE INDEX message_by_recipient ON platform.message (lower(recipient), id);

ALTER TABLE orders.order ADD COLUMN listed_for uuid;
COMMENT ON COLUMN orders.order.listed_for IS 'the owner, on the first row of an order that stands in its owner''s list';
CREATE INDEX order_listed ON orders.order (listed_for, placed_at, id) WHERE listed_for IS NOT NULL;
"""

DOWN = """
DROP INDEX orders.order_listed;
ALTER TABLE orders.order DROP COLUMN listed_for;
DROP INDEX platform.message_by_recipient;
ALTER TABLE platform.message DROP COLUMN secret;
DROP TABLE platform.proof;
ALTER TABLE platform.web_session DROP COLUMN agent;
ALTER TABLE platform.account DROP COLUMN email_confirmed_at;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
