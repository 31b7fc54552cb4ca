"""Deep product information: brands, trees of categories, typed attributes, size charts, masters, kinds, versions."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE catalog.merchant
    ADD COLUMN state text NOT NULL DEFAULT 'open' CHECK (state IN ('applied', 'open', 'declined', 'closed')),
    ADD COLUMN email text,
    ADD COLUMN country text,
    ADD COLUMN terms jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN reason text NOT NULL DEFAULT '',
    ADD COLUMN version integer NOT NULL DEFAULT 1;
COMMENT ON COLUMN catalog.merchant.reason IS 'what the operator said when declining or closing';
COMMENT ON COLUMN catalog.merchant.state IS 'only the goods of open merchants are shown and sold';

CREATE TABLE catalog.brand (
    slug text PRIMARY KEY,
    name text NOT NULL,
    tagline jsonb NOT NULL DEFAULT '{}',
    story jsonb NOT NULL DEFAULT '{}',
    image text,
    hue smallint NOT NULL DEFAULT 35 CHECK (hue BETWEEN 0 AND 359),
    version integer NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL
);

ALTER TABLE catalog.category
    ADD COLUMN tree text NOT NULL DEFAULT 'goods',
    ADD COLUMN position integer NOT NULL DEFAULT 0,
    ADD COLUMN version integer NOT NULL DEFAULT 1;
COMMENT ON COLUMN catalog.category.tree IS 'goods is what each product belongs to once; others are further ways in';

CREATE TABLE catalog.attribute (
    key text PRIMARY KEY,
    names jsonb NOT NULL,
    type text NOT NULL CHECK (type IN ('text', 'number', 'flag', 'choice', 'list')),
    unit text,
    choices jsonb NOT NULL DEFAULT '{}',
    filterable boolean NOT NULL DEFAULT false,
    position integer NOT NULL DEFAULT 0,
    version integer NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL
);
COMMENT ON COLUMN catalog.attribute.choices IS 'of a choice: its values, each with a name per language';

CREATE TABLE catalog.size_chart (
    slug text PRIMARY KEY,
    names jsonb NOT NULL,
    columns jsonb NOT NULL,
    rows jsonb NOT NULL,
    version integer NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL
);
COMMENT ON COLUMN catalog.size_chart.columns IS 'headings, each a name per language; rows are lists of cells as text';

ALTER TABLE catalog.product
    ADD COLUMN brand_slug text REFERENCES catalog.brand,
    ADD COLUMN kind text NOT NULL DEFAULT 'goods' CHECK (kind IN ('goods', 'booking', 'contact')),
    ADD COLUMN state text NOT NULL DEFAULT 'live' CHECK (state IN ('draft', 'live', 'withdrawn')),
    ADD COLUMN size_chart text REFERENCES catalog.size_chart,
    ADD COLUMN appeared bigint GENERATED ALWAYS AS IDENTITY;
CREATE INDEX product_by_brand ON catalog.product (brand_slug, slug);
COMMENT ON COLUMN catalog.product.kind IS 'booking: variants are slots with seats; contact: leads to the merchant';
COMMENT ON COLUMN catalog.product.appeared IS 'in which order products came: the first is a master';

CREATE TABLE catalog.sameness (
    product uuid PRIMARY KEY REFERENCES catalog.product,
    master uuid REFERENCES catalog.product,
    by_hand boolean NOT NULL DEFAULT false,
    CHECK (master IS NOT NULL OR by_hand)
);
CREATE INDEX sameness_by_master ON catalog.sameness (master);
COMMENT ON TABLE catalog.sameness IS 'products of several merchants that are the same thing, by GTIN or by hand';
COMMENT ON COLUMN catalog.sameness.master IS 'the product that stands for them all; null: parted by hand';

ALTER TABLE catalog.variant
    ADD COLUMN starts_at timestamptz,
    ADD COLUMN ends_at timestamptz,
    ADD COLUMN retired boolean NOT NULL DEFAULT false,
    ADD CHECK ((starts_at IS NULL) = (ends_at IS NULL) AND starts_at < ends_at);
COMMENT ON COLUMN catalog.variant.retired IS 'no longer shown; kept because stock and orders refer to it';
CREATE INDEX variant_by_gtin ON catalog.variant (lpad(gtin, 14, '0')) WHERE gtin IS NOT NULL;

CREATE TABLE catalog.shelving (
    product uuid NOT NULL REFERENCES catalog.product,
    category text NOT NULL REFERENCES catalog.category,
    merchant uuid NOT NULL REFERENCES catalog.merchant,
    PRIMARY KEY (product, category)
);
CREATE INDEX shelving_by_category ON catalog.shelving (category, product);
COMMENT ON TABLE catalog.shelving IS 'further categories of a product, in other trees than goods';

CREATE TABLE catalog.past (
    product uuid NOT NULL REFERENCES catalog.product,
    version integer NOT NULL,
    merchant uuid NOT NULL REFERENCES catalog.merchant,
    content bytea NOT NULL,
    replaced_at timestamptz NOT NULL,
    replaced_by text NOT NULL,
    PRIMARY KEY (product, version)
);
COMMENT ON TABLE catalog.past IS 'versions of products and their variants that were replaced: packed, for undo';

CREATE TABLE catalog.import_run (
    id uuid PRIMARY KEY,
    merchant text,
    requested_by text NOT NULL,
    file text NOT NULL,
    request bytea NOT NULL,
    dry_run boolean NOT NULL,
    state text NOT NULL CHECK (state IN ('ready', 'queued', 'running', 'done', 'failed', 'stopped')),
    rows_taken bigint NOT NULL DEFAULT 0,
    line bigint NOT NULL DEFAULT 0,
    share double precision NOT NULL DEFAULT 0,
    report bytea,
    failure text,
    begun_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX import_run_by_merchant ON catalog.import_run (merchant, begun_at DESC, id DESC);
CREATE INDEX import_run_by_time ON catalog.import_run (begun_at DESC, id DESC);
COMMENT ON TABLE catalog.import_run IS 'how far each import is: written in the transaction of each of its sets';
COMMENT ON COLUMN catalog.import_run.merchant IS 'slug of the only merchant whose rows are taken';

CREATE TABLE catalog.import_remark (
    run uuid NOT NULL REFERENCES catalog.import_run ON DELETE CASCADE,
    number integer NOT NULL,
    refused integer NOT NULL,
    remarks bytea NOT NULL,
    PRIMARY KEY (run, number)
);
COMMENT ON TABLE catalog.import_remark IS 'refusals and warnings of an import, packed per set';
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(
        """
        DROP TABLE catalog.import_remark, catalog.import_run, catalog.past, catalog.shelving, catalog.sameness;
        ALTER TABLE catalog.variant DROP COLUMN starts_at, DROP COLUMN ends_at, DROP COLUMN retired;
        DROP INDEX catalog.variant_by_gtin;
        ALTER TABLE catalog.product DROP COLUMN brand_slug, DROP COLUMN kind, DROP COLUMN state,
            DROP COLUMN size_chart, DROP COLUMN appeared;
        DROP TABLE catalog.size_chart, catalog.attribute, catalog.brand;
        ALTER TABLE catalog.category DROP COLUMN tree, DROP COLUMN position, DROP COLUMN version;
        ALTER TABLE catalog.merchant DROP COLUMN state, DROP COLUMN email, DROP COLUMN country, DROP COLUMN terms,
            DROP COLUMN reason, DROP COLUMN version;
        """
    )
