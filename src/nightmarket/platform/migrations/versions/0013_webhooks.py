"""What is sent to those who asked to hear of their orders."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

UP = "SELECT 1"
DOWN = "SELECT 1"


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
