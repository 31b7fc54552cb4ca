"""The waiting room."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

UP = """
CREATE SCHEMA gate;

CREATE TABLE gate.room (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    guards text NOT NULL,
    product uuid,
    variants uuid[] NOT NULL,
    gathers_at timestamptz NOT NULL,
    opens_at timestamptz NOT NULL CHECK (opens_at >= gathers_at),
    ended_at timestamptz,
    drawn_at timestamptz,
    drawn bigint NOT NULL DEFAULT 0,
    drawn_guests bigint NOT NULL DEFAULT 0,
    pass_minutes integer NOT NULL CHECK (pass_minutes > 0),
    follows boolean NOT NULL,
    seed bytea NOT NULL CHECK (length(seed) = 32),
    seed_hash bytea NOT NULL,
    version integer NOT NULL DEFAULT 1
);
COMMENT ON COLUMN gate.room.seed IS 'secret until drawn_at, public after';

CREATE TABLE gate.step (
    room uuid NOT NULL REFERENCES gate.room,
    at timestamptz NOT NULL,
    rate_milli bigint NOT NULL CHECK (rate_milli >= 0),
    by text NOT NULL,
    PRIMARY KEY (room, at)
);
COMMENT ON TABLE gate.step IS 'from when on how many people come in, in thousandths of a person per second';

CREATE TABLE gate.line (
    room uuid PRIMARY KEY REFERENCES gate.room,
    last_known bigint NOT NULL DEFAULT 0,
    last_guest bigint NOT NULL DEFAULT 0,
    guests_served bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10);
COMMENT ON COLUMN gate.line.last_known IS 'the last place given out in the lane of those who are known';
COMMENT ON COLUMN gate.line.guests_served IS 'guests whose turn came before last_known was given out';

CREATE TABLE gate.ticket (
    room uuid NOT NULL,
    id uuid NOT NULL,
    lane smallint NOT NULL CHECK (lane IN (0, 1)),
    turn integer NOT NULL,
    number bigint NOT NULL,
    draw bytea CHECK (length(draw) = 16),
    issued_at timestamptz NOT NULL,
    admitted_at timestamptz,
    PRIMARY KEY (room, id)
) WITH (fillfactor = 80);
COMMENT ON COLUMN gate.ticket.number IS 'its place in the lane; 0 in the draw, whose places follow from draw';
COMMENT ON COLUMN gate.ticket.draw IS 'the first 16 bytes of HMAC-SHA256(seed, id), for who came before the draw';
CREATE INDEX ticket_draw ON gate.ticket (room, lane, draw) WHERE draw IS NOT NULL;

CREATE TABLE gate.capacity (
    at timestamptz NOT NULL,
    source text NOT NULL,
    orders_per_second double precision NOT NULL,
    PRIMARY KEY (at, source)
);
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute("DROP SCHEMA gate CASCADE")
