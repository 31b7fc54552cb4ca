"""What an order's rows cost beside themselves: no statistics of what nobody looks by, and facts kept as they come.

Autovacuum analyses a table that has grown by a tenth, every 15 s in a rush from nothing. By default it reads 30,000
rows, and sorts what it finds in each column, the elements of arrays too. Where rows are read by key alone 3,000 will
do (10 instead of 100), and 7,500 for lists of orders. The months' partitions of facts were made without what 0018 had
set, so each batch's fact was compressed.
"""

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE tally.claim
    ALTER id SET STATISTICS 10, ALTER state SET STATISTICS 10, ALTER deadline SET STATISTICS 10,
    ALTER tallies SET STATISTICS 0, ALTER slices SET STATISTICS 0, ALTER quantities SET STATISTICS 0;
ALTER TABLE orders.session
    ALTER id SET STATISTICS 10, ALTER owner SET STATISTICS 10, ALTER kind SET STATISTICS 10,
    ALTER state SET STATISTICS 10, ALTER attempt SET STATISTICS 10, ALTER version SET STATISTICS 10,
    ALTER created_at SET STATISTICS 10, ALTER expires_at SET STATISTICS 10,
    ALTER request SET STATISTICS 0, ALTER body SET STATISTICS 0, ALTER prepared SET STATISTICS 0;
ALTER TABLE orders.order
    ALTER id SET STATISTICS 25, ALTER merchant SET STATISTICS 25, ALTER owner SET STATISTICS 25,
    ALTER state SET STATISTICS 25, ALTER handler SET STATISTICS 25, ALTER currency SET STATISTICS 25,
    ALTER placed_at SET STATISTICS 25, ALTER due_at SET STATISTICS 25, ALTER listed_for SET STATISTICS 25,
    ALTER attempt SET STATISTICS 0, ALTER total SET STATISTICS 0, ALTER body SET STATISTICS 0;
ALTER TABLE orders.awaited ALTER orders SET STATISTICS 0;
ALTER TABLE payments.posting
    ALTER id SET STATISTICS 10, ALTER about SET STATISTICS 10, ALTER kind SET STATISTICS 10,
    ALTER currency SET STATISTICS 10, ALTER at SET STATISTICS 10,
    ALTER accounts SET STATISTICS 0, ALTER parties SET STATISTICS 0, ALTER amounts SET STATISTICS 0;
ALTER TABLE payments.event ALTER body SET STATISTICS 0;

DO $$ DECLARE month regclass; BEGIN
    FOR month IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'platform.fact'::regclass LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN payload SET STORAGE EXTERNAL', month);
    END LOOP;
END $$;
"""

DOWN = """
ALTER TABLE payments.event ALTER body SET STATISTICS DEFAULT;
ALTER TABLE payments.posting
    ALTER id SET STATISTICS DEFAULT, ALTER about SET STATISTICS DEFAULT, ALTER kind SET STATISTICS DEFAULT,
    ALTER currency SET STATISTICS DEFAULT, ALTER at SET STATISTICS DEFAULT, ALTER accounts SET STATISTICS DEFAULT,
    ALTER parties SET STATISTICS DEFAULT, ALTER amounts SET STATISTICS DEFAULT;
ALTER TABLE orders.awaited ALTER orders SET STATISTICS DEFAULT;
ALTER TABLE orders.order
    ALTER id SET STATISTICS DEFAULT, ALTER merchant SET STATISTICS DEFAULT, ALTER owner SET STATISTICS DEFAULT,
    ALTER state SET STATISTICS DEFAULT, ALTER handler SET STATISTICS DEFAULT, ALTER currency SET STATISTICS DEFAULT,
    ALTER placed_at SET STATISTICS DEFAULT, ALTER due_at SET STATISTICS DEFAULT,
    ALTER listed_for SET STATISTICS DEFAULT, ALTER attempt SET STATISTICS DEFAULT, ALTER total SET STATISTICS DEFAULT,
    ALTER body SET STATISTICS DEFAULT;
ALTER TABLE orders.session
    ALTER id SET STATISTICS DEFAULT, ALTER owner SET STATISTICS DEFAULT, ALTER kind SET STATISTICS DEFAULT,
    ALTER state SET STATISTICS DEFAULT, ALTER attempt SET STATISTICS DEFAULT, ALTER version SET STATISTICS DEFAULT,
    ALTER created_at SET STATISTICS DEFAULT, ALTER expires_at SET STATISTICS DEFAULT,
    ALTER request SET STATISTICS DEFAULT, ALTER body SET STATISTICS DEFAULT, ALTER prepared SET STATISTICS DEFAULT;
ALTER TABLE tally.claim
    ALTER id SET STATISTICS DEFAULT, ALTER state SET STATISTICS DEFAULT, ALTER deadline SET STATISTICS DEFAULT,
    ALTER tallies SET STATISTICS DEFAULT, ALTER slices SET STATISTICS DEFAULT, ALTER quantities SET STATISTICS DEFAULT;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
