"""The order path at the peak."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE platform.aside (
    id uuid PRIMARY KEY,
    topic text NOT NULL,
    amount integer NOT NULL CHECK (amount > 0),
    payload bytea NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX aside_by_topic ON platform.aside (topic, id);
COMMENT ON TABLE platform.aside IS 'work that consumers of facts put off, deleted when done; payload is msgpack';
COMMENT ON COLUMN platform.aside.amount IS 'how many things the payload lists';

ALTER TABLE platform.fact ALTER COLUMN payload SET STORAGE EXTERNAL;
ALTER TABLE platform.aside ALTER COLUMN payload SET STORAGE EXTERNAL;
"""
DOWN = """
DROP TABLE platform.aside;
ALTER TABLE platform.fact ALTER COLUMN payload SET STORAGE EXTENDED;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
