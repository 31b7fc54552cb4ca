"""What is sent to those who asked to hear of their orders."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

UP = ""
DOWN = ""


def upgrade() -> None:
    if UP:
        op.execute(UP)


def downgrade() -> None:
    if DOWN:
        op.execute(DOWN)
