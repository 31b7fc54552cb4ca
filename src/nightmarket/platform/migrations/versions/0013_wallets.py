"""Shoppers' wallets."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

UP = """
SELECT 1
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute("""SELECT 1""")
