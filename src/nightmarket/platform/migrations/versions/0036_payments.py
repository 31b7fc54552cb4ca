"""The most money that a shopper lets a wallet code spend."""

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE payments.wallet_code
    ADD COLUMN most bigint CHECK (most > 0),
    ADD COLUMN currency text CHECK (currency ~ '^[A-Z]{3}$'),
    ADD CHECK ((most IS NULL) = (currency IS NULL));
COMMENT ON COLUMN payments.wallet_code.most IS 'the most that it pays, minor units of currency; null: all there is';
"""

DOWN = "ALTER TABLE payments.wallet_code DROP COLUMN most, DROP COLUMN currency;"


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
