"""Rehearsals and what they found."""

from alembic import op

revision = "0017"
down_revision = "0016"
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
