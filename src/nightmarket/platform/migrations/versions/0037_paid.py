"""An order that is paid is written twice, and each time in one place: no index names what changes, pages have room."""

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE orders.awaited (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    due_at timestamptz NOT NULL,
    orders uuid[] NOT NULL
);
ALTER TABLE orders.awaited ALTER COLUMN orders SET STORAGE EXTERNAL;
CREATE INDEX awaited_due ON orders.awaited (due_at);
COMMENT ON TABLE orders.awaited IS 'distributed by id; orders that may be due then: due_at says which are';

INSERT INTO orders.awaited (due_at, orders)
SELECT due_at, array_agg(DISTINCT id) FROM orders.order WHERE due_at IS NOT NULL GROUP BY due_at;

DROP INDEX orders.order_by_due;
COMMENT ON COLUMN orders.order.due_at IS 'when to look after it; a row of orders.awaited says then which orders to ask';
ALTER TABLE orders.order SET (fillfactor = 50);
ALTER TABLE tally.claim SET (fillfactor = 50);
"""

DOWN = """
ALTER TABLE tally.claim SET (fillfactor = 80);
ALTER TABLE orders.order SET (fillfactor = 90);
CREATE INDEX order_by_due ON orders.order (due_at) WHERE due_at IS NOT NULL;
COMMENT ON COLUMN orders.order.due_at IS NULL;
DROP TABLE orders.awaited;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
