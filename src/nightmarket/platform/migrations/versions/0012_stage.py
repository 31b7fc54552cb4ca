"""The texts of the shop's pages."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

UP = """
CREATE SCHEMA stage;

CREATE TABLE stage.page (
    slug text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    texts jsonb NOT NULL,
    listed boolean NOT NULL,
    written_at timestamptz NOT NULL,
    written_by text NOT NULL,
    PRIMARY KEY (slug, version)
);
COMMENT ON COLUMN stage.page.listed IS 'the foot of the shop leads to it';
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute("DROP SCHEMA stage CASCADE")
