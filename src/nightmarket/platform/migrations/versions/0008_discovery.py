"""What search reads: one document per product and language."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

UP = """
CREATE SCHEMA discovery;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute("""DROP SCHEMA discovery CASCADE""")
