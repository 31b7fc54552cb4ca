"""Keys of the order API and other shops' claims."""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE orders.older_mark (
    session uuid NOT NULL REFERENCES orders.session ON DELETE CASCADE,
    key bytea NOT NULL,
    body bytea NOT NULL,
    moved_at timestamptz NOT NULL,
    PRIMARY KEY (session, key)
);
CREATE INDEX older_mark_by_time ON orders.older_mark (moved_at);
COMMENT ON TABLE orders.older_mark IS 'distributed by session; idempotency keys (8 bytes of their hash, 16 of the '
    'hash of the body) for which the session has no more room; swept after two days';

CREATE INDEX claim_by_made ON claims.claim (made_at, id);
"""

DOWN = """
DROP INDEX claims.claim_by_made;
DROP TABLE orders.older_mark;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
