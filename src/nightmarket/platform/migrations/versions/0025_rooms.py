"""Rooms of the gate and rehearsals: what is left of a room whose tickets were swept, and what a measurement means."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE gate.room
    ADD COLUMN swept_at timestamptz,
    ADD COLUMN swept_tickets bigint NOT NULL DEFAULT 0,
    ADD COLUMN swept_guests bigint NOT NULL DEFAULT 0,
    ADD COLUMN swept_used bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN gate.room.swept_at IS 'when the last of its tickets went; the counts beside it stay';
CREATE INDEX room_ended ON gate.room (ended_at) WHERE ended_at IS NOT NULL AND swept_at IS NULL;

ALTER TABLE gate.capacity ADD COLUMN at_least boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN gate.capacity.at_least IS 'the limit was not reached: the shop may take more';
"""

DOWN = """
ALTER TABLE gate.capacity DROP COLUMN at_least;
DROP INDEX gate.room_ended;
ALTER TABLE gate.room
    DROP COLUMN swept_at, DROP COLUMN swept_tickets, DROP COLUMN swept_guests, DROP COLUMN swept_used;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
