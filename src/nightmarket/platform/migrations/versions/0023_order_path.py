"""The order path after midnight."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE orders.session ADD COLUMN prepared bytea;
COMMENT ON COLUMN orders.session.prepared IS 'of an open checkout: the order that would come of it';
"""

DOWN = """
ALTER TABLE orders.session DROP COLUMN prepared;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
