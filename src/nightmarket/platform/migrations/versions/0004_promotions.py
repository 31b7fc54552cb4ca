"""Offers as immutable revisions, numbered without gaps: each number is a book that can be rebuilt."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

UP = """
CREATE SCHEMA promotions;

CREATE TABLE promotions.counter (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    book bigint NOT NULL
);
INSERT INTO promotions.counter (book) VALUES (0);
COMMENT ON TABLE promotions.counter IS 'the newest book; who publishes locks this row, so that no number is skipped';

CREATE TABLE promotions.revision (
    book bigint PRIMARY KEY CHECK (book > 0),
    offer uuid NOT NULL,
    revision integer NOT NULL CHECK (revision > 0),
    state text NOT NULL CHECK (state IN ('published', 'retired')),
    code text,
    body jsonb,
    at timestamptz NOT NULL,
    CHECK ((state = 'published') = (body IS NOT NULL))
);
CREATE INDEX revision_by_offer ON promotions.revision (offer, book DESC);
CREATE UNIQUE INDEX revision_once ON promotions.revision (offer, revision) WHERE state = 'published';
CREATE INDEX revision_by_code ON promotions.revision (code) WHERE code IS NOT NULL;
COMMENT ON COLUMN promotions.revision.code IS 'as it is compared: in lower case';
COMMENT ON COLUMN promotions.revision.body IS 'the offer as it was published; none when it was retired';
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute("DROP SCHEMA promotions CASCADE")
