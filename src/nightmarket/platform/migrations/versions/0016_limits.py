"""Limits per buyer, and who a buyer is."""

from alembic import op

revision = "0016"
down_revision = "0015"
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
