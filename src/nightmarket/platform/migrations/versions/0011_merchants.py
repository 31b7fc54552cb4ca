"""A database role for merchants, under row-level security."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

UP = """
SELECT 1
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute("""SELECT 1""")
