"""Shoppers' profiles, wishes, followed brands and alerts."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

UP = """
CREATE SCHEMA engagement;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute("""DROP SCHEMA engagement CASCADE""")
