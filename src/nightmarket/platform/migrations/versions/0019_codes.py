"""What becomes of orders after they are placed, as others report it, and addresses that a sample shop remembers."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE orders.note (
    order_id uuid NOT NULL,
    id text NOT NULL,
    kind smallint NOT NULL,
    at timestamptz NOT NULL,
    body jsonb NOT NULL,
    PRIMARY KEY (order_id, id)
);
COMMENT ON TABLE orders.note IS 'distributed by order_id; kind: 1 fulfilment event, 2 adjustment, as UCP writes them';

CREATE TABLE orders.known_address (
    email text NOT NULL,
    id text NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (email, id)
);
COMMENT ON TABLE orders.known_address IS
    'distributed by email; only a shop with NIGHTMARKET_SAMPLE_ANSWERS remembers addresses of whoever is named';
"""

DOWN = """
DROP TABLE orders.known_address;
DROP TABLE orders.note;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
