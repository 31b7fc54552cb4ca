"""Carts, checkout sessions and orders."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

UP = """
CREATE SCHEMA orders;

CREATE TABLE orders.session (
    id uuid PRIMARY KEY,
    owner uuid NOT NULL,
    kind smallint NOT NULL,
    state smallint NOT NULL,
    attempt smallint NOT NULL DEFAULT 0,
    version integer NOT NULL DEFAULT 1,
    request bytea NOT NULL,
    body bytea NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
) WITH (fillfactor = 70);
COMMENT ON TABLE orders.session IS 'distributed by id; kind: 1 cart, 2 checkout; '
    'state: 1 incomplete, 2 ready, 3 in progress, 4 completed, 5 cancelled';

CREATE TABLE orders.order (
    id uuid NOT NULL,
    merchant uuid NOT NULL,
    owner uuid NOT NULL,
    state smallint NOT NULL,
    attempt smallint NOT NULL,
    handler text NOT NULL,
    currency text NOT NULL,
    total bigint NOT NULL CHECK (total >= 0),
    placed_at timestamptz NOT NULL,
    due_at timestamptz,
    body bytea NOT NULL,
    PRIMARY KEY (id, merchant)
) WITH (fillfactor = 90);
COMMENT ON TABLE orders.order IS 'distributed by id; state: 1 pending, 2 paid, 3 declined, 4 lapsed, 5 cancelled';
CREATE INDEX order_by_due ON orders.order (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX order_by_placed ON orders.order (placed_at);
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute("DROP SCHEMA orders CASCADE")
