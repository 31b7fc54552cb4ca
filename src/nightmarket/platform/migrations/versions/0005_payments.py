"""Payments: the journal, payments of orders, what providers report by themselves and what their statements list."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

UP = """
CREATE SCHEMA payments;

CREATE FUNCTION payments.sums_to_zero(amounts bigint[]) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS 'SELECT coalesce(sum(amount), 0) = 0 FROM unnest(amounts) AS amount';

CREATE TABLE payments.posting (
    id uuid NOT NULL,
    about uuid NOT NULL,
    kind text NOT NULL,
    currency text NOT NULL,
    at timestamptz NOT NULL,
    accounts smallint[] NOT NULL,
    parties uuid[] NOT NULL,
    amounts bigint[] NOT NULL,
    PRIMARY KEY (about, id),
    CHECK (cardinality(accounts) = cardinality(amounts) AND cardinality(parties) = cardinality(amounts)),
    CONSTRAINT balanced CHECK (
        CASE cardinality(amounts)
            WHEN 2 THEN amounts[1] + amounts[2] = 0
            WHEN 3 THEN amounts[1] + amounts[2] + amounts[3] = 0
            WHEN 4 THEN amounts[1] + amounts[2] + amounts[3] + amounts[4] = 0
            WHEN 5 THEN amounts[1] + amounts[2] + amounts[3] + amounts[4] + amounts[5] = 0
            ELSE payments.sums_to_zero(amounts)
        END
    )
);
COMMENT ON TABLE payments.posting IS
    'distributed by about (the order), which an id belongs to; never changed; legs as arrays of one length';

CREATE TABLE payments.payment (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL,
    provider text NOT NULL,
    reference text NOT NULL,
    key text NOT NULL,
    state text NOT NULL,
    amount bigint NOT NULL,
    currency text NOT NULL,
    owed bigint NOT NULL DEFAULT 0,
    refunded bigint NOT NULL DEFAULT 0,
    refunding bigint NOT NULL DEFAULT 0,
    decline_code text,
    at timestamptz NOT NULL,
    due_at timestamptz,
    tries smallint NOT NULL DEFAULT 0,
    last_error text,
    CHECK (0 <= refunded AND refunded <= owed AND owed <= amount AND refunding <= owed)
) WITH (fillfactor = 70);
CREATE INDEX payment_by_order ON payments.payment (order_id);
CREATE INDEX payment_due ON payments.payment (due_at) WHERE due_at IS NOT NULL;
COMMENT ON TABLE payments.payment IS 'distributed by id (the claim that it pays for)';
COMMENT ON COLUMN payments.payment.due_at IS 'when the provider is to be asked next; null: nothing to ask, or stuck';

CREATE TABLE payments.event (
    provider text NOT NULL,
    id text NOT NULL,
    kind text NOT NULL,
    key text NOT NULL,
    order_id uuid NOT NULL,
    body bytea NOT NULL,
    received_at timestamptz NOT NULL,
    settled_at timestamptz,
    note text,
    PRIMARY KEY (provider, id)
);
CREATE INDEX event_kept ON payments.event (received_at) WHERE settled_at IS NULL;
COMMENT ON TABLE payments.event IS
    'webhooks as received, once each; settled_at null: kept until a payment matches; note: why it was not applied';

CREATE TABLE payments.statement (
    provider text NOT NULL,
    sequence bigint NOT NULL,
    kind text NOT NULL,
    key text NOT NULL,
    order_id uuid NOT NULL,
    amount bigint NOT NULL,
    currency text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (provider, sequence)
);
COMMENT ON TABLE payments.statement IS 'lines of providers'' statements, fetched for the audit';
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute("DROP SCHEMA payments CASCADE")
