"""Where a guest who won is written to; indexes to count a merchant's offers and to sweep told reminders."""

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE promotions.draw_ticket ADD COLUMN email text NOT NULL DEFAULT '';
COMMENT ON COLUMN promotions.draw_ticket.email IS
  'of a guest who wants to be written to; goes when the prizes are given';
CREATE INDEX draw_ticket_email ON promotions.draw_ticket (draw, person) WHERE email <> '';
CREATE INDEX revision_by_funder ON promotions.revision ((body ->> 'funder'));
CREATE INDEX reminder_told ON engagement.reminder (told_at) WHERE told_at IS NOT NULL;
"""

DOWN = """
DROP INDEX engagement.reminder_told;
DROP INDEX promotions.revision_by_funder;
ALTER TABLE promotions.draw_ticket DROP COLUMN email;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
