"""Codes by which a shopper lets an agent pay one order with wallet money."""

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE payments.wallet_code (
    hash bytea PRIMARY KEY CHECK (length(hash) = 32),
    account uuid NOT NULL,
    made_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    order_id uuid
);
COMMENT ON TABLE payments.wallet_code IS 'who has the code may pay one order with this account''s wallet money';
COMMENT ON COLUMN payments.wallet_code.order_id IS 'the order that it was used for; null: none yet';
CREATE INDEX wallet_code_account ON payments.wallet_code (account);
CREATE INDEX wallet_code_over ON payments.wallet_code (expires_at);
"""

DOWN = "DROP TABLE payments.wallet_code;"


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
