"""The waiting room."""

from alembic import op

revision = "0014"
down_revision = "0013"
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
