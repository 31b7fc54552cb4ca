"""Indexes for what pages and workers ask of festivals' tables that have filled up."""

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

UP = """
CREATE INDEX presale_booking_state ON promotions.presale_booking (presale, state);
CREATE INDEX sample_booking_open ON promotions.sample_booking (id) WHERE state = 'booked';
CREATE INDEX sample_booking_named ON promotions.sample_booking (id) WHERE email <> '' OR first_name <> '';
CREATE INDEX surprise_booking_untold ON promotions.surprise_booking (surprise)
    WHERE told_at IS NULL AND account IS NOT NULL;
CREATE INDEX guard_stop_newest ON promotions.guard_stop (at, id);
CREATE INDEX reminder_target ON engagement.reminder (target);
"""

DOWN = """
DROP INDEX engagement.reminder_target;
DROP INDEX promotions.guard_stop_newest, promotions.surprise_booking_untold, promotions.sample_booking_named,
    promotions.sample_booking_open, promotions.presale_booking_state;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
