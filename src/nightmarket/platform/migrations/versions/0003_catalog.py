"""Merchants, their places, products, variants, and which tally counts which stock."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

UP = """
CREATE SCHEMA catalog;

CREATE TABLE catalog.merchant (
    id uuid PRIMARY KEY,
    slug text NOT NULL UNIQUE,
    name text NOT NULL,
    tagline jsonb NOT NULL DEFAULT '{}',
    story jsonb NOT NULL DEFAULT '{}',
    image text,
    hue smallint NOT NULL CHECK (hue BETWEEN 0 AND 359),
    commission_basis_points smallint NOT NULL DEFAULT 0 CHECK (commission_basis_points BETWEEN 0 AND 10000),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
COMMENT ON COLUMN catalog.merchant.image IS 'SHA-256 of a picture in the media store';

CREATE TABLE catalog.place (
    id uuid PRIMARY KEY,
    merchant uuid NOT NULL REFERENCES catalog.merchant,
    code text NOT NULL,
    name jsonb NOT NULL,
    UNIQUE (merchant, code)
);

CREATE TABLE catalog.category (
    slug text PRIMARY KEY,
    names jsonb NOT NULL,
    parent text REFERENCES catalog.category CHECK (parent <> slug),
    image text,
    updated_at timestamptz NOT NULL
);

CREATE TABLE catalog.product (
    id uuid PRIMARY KEY,
    merchant uuid NOT NULL REFERENCES catalog.merchant,
    slug text NOT NULL UNIQUE,
    category text NOT NULL REFERENCES catalog.category,
    brand text NOT NULL,
    texts jsonb NOT NULL,
    attributes jsonb NOT NULL,
    media jsonb NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    updated_at timestamptz NOT NULL
);
CREATE INDEX product_by_category ON catalog.product (category, slug);
CREATE INDEX product_by_merchant ON catalog.product (merchant, slug);

CREATE TABLE catalog.variant (
    id uuid PRIMARY KEY,
    product uuid NOT NULL REFERENCES catalog.product,
    merchant uuid NOT NULL REFERENCES catalog.merchant,
    sku text NOT NULL,
    gtin text,
    options jsonb NOT NULL,
    prices jsonb NOT NULL,
    media jsonb NOT NULL,
    for_sale boolean NOT NULL,
    position integer NOT NULL,
    UNIQUE (merchant, sku)
);
CREATE INDEX variant_by_product ON catalog.variant (product, position);
CREATE INDEX variant_by_folded_sku ON catalog.variant (merchant, lower(sku));
COMMENT ON COLUMN catalog.variant.prices IS 'minor units per ISO 4217 code';

CREATE TABLE catalog.stock (
    variant uuid NOT NULL REFERENCES catalog.variant,
    place uuid NOT NULL REFERENCES catalog.place,
    merchant uuid NOT NULL REFERENCES catalog.merchant,
    tally uuid NOT NULL UNIQUE,
    counted_by uuid,
    counted_line integer,
    PRIMARY KEY (variant, place)
);
CREATE INDEX stock_by_merchant ON catalog.stock (merchant);
COMMENT ON COLUMN catalog.stock.counted_by IS 'import whose count was taken last; with its line a repeat counts once';
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute("DROP SCHEMA catalog CASCADE")
