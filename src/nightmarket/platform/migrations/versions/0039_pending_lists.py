"""Search's indexes of words keep no long lists of what is still to be sorted in.

Autovacuum's ANALYZE of documents sorts in all that is pending, up to 4 MB in each of eight indexes, after it has taken
a transaction's number: meanwhile consumers see no fact that is younger than it. Up to 0.8 s of a rush were seen, in
which popularity changes in rows by the thousand. Who writes sorts in sooner now, a little at a time; and whoever
searches reads shorter lists.
"""

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

INDEXES = ("match_en", "match_de", "match_it", "match_zh", "terms", "codes", "products", "tallies")


def upgrade() -> None:
    for name in INDEXES:
        op.execute(f"ALTER INDEX discovery.document_{name} SET (gin_pending_list_limit = 128)")


def downgrade() -> None:
    for name in INDEXES:
        op.execute(f"ALTER INDEX discovery.document_{name} RESET (gin_pending_list_limit)")
