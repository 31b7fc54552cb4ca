"""What search reads: one document per product, its words per language, its facets; a vocabulary, synonyms, sales."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

UP = """
DO $$
DECLARE missing text;
BEGIN
    SELECT string_agg(wanted, ', ') INTO missing FROM unnest(ARRAY['pg_trgm', 'unaccent', 'vector']) AS wanted
    WHERE NOT EXISTS (SELECT 1 FROM pg_available_extensions AS there WHERE there.name = wanted);
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
            MESSAGE = format('the server lacks the extensions %s, which search needs', missing),
            HINT = 'Install them there (Debian: postgresql-contrib and postgresql-18-pgvector) and start again.';
    END IF;
END $$;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS unaccent;
CREATE EXTENSION IF NOT EXISTS vector;

CREATE SCHEMA discovery;

CREATE TEXT SEARCH CONFIGURATION discovery.english (COPY = pg_catalog.english);
ALTER TEXT SEARCH CONFIGURATION discovery.english
    ALTER MAPPING FOR hword, hword_part, word WITH unaccent, english_stem;
CREATE TEXT SEARCH CONFIGURATION discovery.german (COPY = pg_catalog.german);
ALTER TEXT SEARCH CONFIGURATION discovery.german
    ALTER MAPPING FOR hword, hword_part, word WITH unaccent, german_stem;
CREATE TEXT SEARCH CONFIGURATION discovery.italian (COPY = pg_catalog.italian);
ALTER TEXT SEARCH CONFIGURATION discovery.italian
    ALTER MAPPING FOR hword, hword_part, word WITH unaccent, italian_stem;

CREATE TABLE discovery.document (
    number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id uuid NOT NULL UNIQUE,
    products uuid[] NOT NULL,
    merchants uuid[] NOT NULL,
    terms integer[] NOT NULL,
    prices bigint[] NOT NULL,
    in_stock boolean NOT NULL,
    popularity smallint NOT NULL DEFAULT 0 CHECK (popularity BETWEEN 0 AND 100),
    added_at timestamptz NOT NULL,
    codes text[] NOT NULL,
    tallies uuid[] NOT NULL,
    rank_en tsvector NOT NULL,
    rank_de tsvector NOT NULL,
    rank_it tsvector NOT NULL,
    rank_zh tsvector NOT NULL,
    match_en tsvector NOT NULL,
    match_de tsvector NOT NULL,
    match_it tsvector NOT NULL,
    match_zh tsvector NOT NULL,
    vocabulary bytea NOT NULL,
    embedding vector
) WITH (toast_tuple_target = 128);
ALTER TABLE discovery.document
    ALTER products SET STORAGE PLAIN, ALTER merchants SET STORAGE PLAIN, ALTER terms SET STORAGE PLAIN,
    ALTER prices SET STORAGE PLAIN, ALTER rank_en SET STORAGE PLAIN, ALTER rank_de SET STORAGE PLAIN,
    ALTER rank_it SET STORAGE PLAIN, ALTER rank_zh SET STORAGE PLAIN;
COMMENT ON TABLE discovery.document IS
    'a card in a list: a product, or all products that are the same thing; what ranks lies in the row';
COMMENT ON COLUMN discovery.document.id IS 'the master, where several merchants sell the same thing, else the product';
COMMENT ON COLUMN discovery.document.products IS 'the one to show first; merchants are theirs, in the same order';
COMMENT ON COLUMN discovery.document.terms IS 'discovery.term: each category above, brand, merchant, filterable value';
COMMENT ON COLUMN discovery.document.prices IS 'the lowest in each currency, at the place of discovery.currency';
COMMENT ON COLUMN discovery.document.vocabulary IS 'packed: its words per language, to be taken back when it changes';
COMMENT ON COLUMN discovery.document.embedding IS 'prepared for search by meaning; nothing fills it yet';
CREATE INDEX document_match_en ON discovery.document USING gin (match_en);
CREATE INDEX document_match_de ON discovery.document USING gin (match_de);
CREATE INDEX document_match_it ON discovery.document USING gin (match_it);
CREATE INDEX document_match_zh ON discovery.document USING gin (match_zh);
CREATE INDEX document_terms ON discovery.document USING gin (terms);
CREATE INDEX document_codes ON discovery.document USING gin (codes);
CREATE INDEX document_products ON discovery.document USING gin (products);
CREATE INDEX document_tallies ON discovery.document USING gin (tallies);
CREATE INDEX document_by_standing ON discovery.document (in_stock DESC, popularity DESC, number);
CREATE INDEX document_by_popularity ON discovery.document (popularity DESC, number);
CREATE INDEX document_by_age ON discovery.document (added_at DESC, number);
CREATE INDEX document_sold_out ON discovery.document (number) WHERE NOT in_stock;
CREATE INDEX document_by_first_price ON discovery.document ((prices[1]), number);
CREATE INDEX document_by_second_price ON discovery.document ((prices[2]), number);
CREATE INDEX document_by_third_price ON discovery.document ((prices[3]), number);
CREATE INDEX document_by_first_price_down ON discovery.document ((prices[1]) DESC NULLS LAST, number);
CREATE INDEX document_by_second_price_down ON discovery.document ((prices[2]) DESC NULLS LAST, number);
CREATE INDEX document_by_third_price_down ON discovery.document ((prices[3]) DESC NULLS LAST, number);

CREATE TABLE discovery.facet (
    number smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY CHECK (number BETWEEN 1 AND 2000),
    key text NOT NULL UNIQUE
);
CREATE TABLE discovery.term (
    id integer PRIMARY KEY,
    facet text NOT NULL,
    value text NOT NULL,
    labels jsonb NOT NULL DEFAULT '{}',
    UNIQUE (facet, value)
);
COMMENT ON COLUMN discovery.term.id IS 'the number of its facet times 2^20, and a running number';
CREATE TABLE discovery.currency (
    number smallint PRIMARY KEY CHECK (number BETWEEN 1 AND 32),
    code text NOT NULL UNIQUE
);

CREATE TABLE discovery.word (
    language text NOT NULL,
    word text NOT NULL,
    folded text NOT NULL,
    documents integer NOT NULL,
    titles integer NOT NULL,
    PRIMARY KEY (language, word)
) WITH (fillfactor = 70);
CREATE INDEX word_by_folded ON discovery.word (language, folded text_pattern_ops);
CREATE INDEX word_by_trigrams ON discovery.word USING gin (folded gin_trgm_ops);
COMMENT ON COLUMN discovery.word.titles IS 'in how many documents it stands in the title';

CREATE FUNCTION discovery.near_words(asked text, spoken text, amount integer)
RETURNS TABLE (word text, folded text, documents integer, likeness real)
LANGUAGE sql STABLE PARALLEL SAFE SET pg_trgm.similarity_threshold = 0.2 AS $$
    SELECT w.word, w.folded, w.documents, similarity(w.folded, asked) AS likeness FROM discovery.word AS w
    WHERE w.folded % asked AND w.language = spoken AND w.documents > 0
    ORDER BY word_similarity(asked, w.folded) + similarity(w.folded, asked) DESC, w.documents DESC, w.word LIMIT amount
$$;

CREATE TABLE discovery.synonym (
    id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    language text NOT NULL,
    phrases text[] NOT NULL CHECK (cardinality(phrases) BETWEEN 2 AND 20)
);
COMMENT ON TABLE discovery.synonym IS 'phrases that mean the same, each standing for all others';

CREATE TABLE discovery.sale (
    product uuid NOT NULL,
    on_day date NOT NULL,
    units bigint NOT NULL,
    PRIMARY KEY (product, on_day)
);
COMMENT ON TABLE discovery.sale IS 'units ordered of a product on a day (UTC); days over thirty are swept away';

CREATE TABLE discovery.changed (
    product uuid PRIMARY KEY,
    mark bigint GENERATED ALWAYS AS IDENTITY,
    marked_at timestamptz NOT NULL
);
COMMENT ON TABLE discovery.changed IS 'products whose document has to be written anew; a later change, a later mark';
CREATE TABLE discovery.touched (product uuid PRIMARY KEY);
COMMENT ON TABLE discovery.touched IS 'products that were ordered, or whose stock changed: to be looked at';

CREATE TABLE discovery.built (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    shape text NOT NULL,
    marked_at timestamptz NOT NULL
);
COMMENT ON TABLE discovery.built IS 'what documents were made from: where it differs from now, all are made anew';

INSERT INTO discovery.synonym (language, phrases) VALUES
    ('en', '{sofa,couch,settee}'), ('en', '{trousers,pants,slacks}'), ('en', '{jumper,sweater,pullover}'),
    ('en', '{trainers,sneakers,"running shoes"}'), ('en', '{earphones,headphones,earbuds,headset}'),
    ('en', '{bag,handbag,purse,tote}'), ('en', '{backpack,rucksack,daypack}'), ('en', '{laptop,notebook}'),
    ('en', '{phone,smartphone,mobile,cellphone}'), ('en', '{tv,television}'),
    ('en', '{lantern,lampion}'), ('en', '{cup,mug,beaker}'), ('en', '{glasses,spectacles,eyewear}'),
    ('en', '{sunglasses,shades}'), ('en', '{watch,wristwatch,timepiece}'), ('en', '{earrings,studs}'),
    ('en', '{necklace,pendant}'), ('en', '{jewellery,jewelry}'), ('en', '{gift,present}'),
    ('en', '{kid,child,kids,children}'), ('en', '{men,man,mens}'), ('en', '{women,woman,ladies,womens}'),
    ('en', '{t-shirt,tee,tshirt}'), ('en', '{coat,jacket}'), ('en', '{rug,carpet}'), ('en', '{fridge,refrigerator}'),
    ('en', '{cooker,stove,hob}'), ('en', '{frying pan,skillet}'), ('en', '{flashlight,torch}'),
    ('en', '{bike,bicycle,cycle}'), ('en', '{car,automobile}'), ('en', '{film,movie}'), ('en', '{sweet,candy}'),
    ('en', '{biscuit,cookie}'), ('en', '{colour,color}'), ('en', '{grey,gray}'), ('en', '{speaker,loudspeaker}'),
    ('en', '{screwdriver,"screw driver"}'), ('en', '{doll,dolls}'), ('en', '{flower,bouquet,blossom}'),
    ('en', '{shampoo,"hair wash"}'), ('en', '{fragrance,perfume,cologne,scent}'), ('en', '{makeup,cosmetics}'),
    ('en', '{belt,waistband}'), ('en', '{hammer,mallet}'), ('en', '{cot,crib}'), ('en', '{puppy,dog}'),
    ('de', '{sofa,couch}'), ('de', '{hose,jeans}'), ('de', '{pullover,pulli,sweater}'),
    ('de', '{turnschuhe,sneaker,sportschuhe}'), ('de', '{kopfhörer,ohrhörer,headset}'), ('de', '{tasche,handtasche}'),
    ('de', '{rucksack,ranzen}'), ('de', '{laptop,notebook}'), ('de', '{handy,smartphone,mobiltelefon}'),
    ('de', '{fernseher,tv}'), ('de', '{lampe,leuchte,licht}'), ('de', '{laterne,lampion}'),
    ('de', '{tasse,becher,mug}'), ('de', '{uhr,armbanduhr}'), ('de', '{geschenk,präsent}'),
    ('de', '{kinder,kind}'), ('de', '{herren,männer}'), ('de', '{damen,frauen}'), ('de', '{jacke,mantel}'),
    ('de', '{teppich,läufer}'), ('de', '{fahrrad,rad,bike}'), ('de', '{auto,pkw,wagen}'), ('de', '{keks,plätzchen}'),
    ('de', '{süßigkeiten,naschwerk,bonbons}'), ('de', '{parfüm,duft}'), ('de', '{brötchen,semmel}'),
    ('de', '{pfanne,bratpfanne}'), ('de', '{messer,küchenmesser}'), ('de', '{bett,liege}'),
    ('it', '{divano,sofà}'), ('it', '{pantaloni,calzoni}'), ('it', '{maglione,pullover,felpa}'),
    ('it', '{"scarpe da ginnastica",sneakers}'), ('it', '{cuffie,auricolari}'), ('it', '{borsa,borsetta}'),
    ('it', '{zaino,zainetto}'), ('it', '{portatile,notebook,laptop}'), ('it', '{telefono,cellulare,smartphone}'),
    ('it', '{televisore,tv}'), ('it', '{lampada,luce}'), ('it', '{lanterna,lampioncino}'), ('it', '{tazza,mug}'),
    ('it', '{orologio,cronografo}'), ('it', '{regalo,dono}'), ('it', '{bambino,bimbo,bambini}'),
    ('it', '{giacca,cappotto}'), ('it', '{tappeto,stuoia}'), ('it', '{bicicletta,bici}'), ('it', '{auto,macchina}'),
    ('it', '{biscotto,biscotti}'), ('it', '{profumo,fragranza}'), ('it', '{padella,pentola}'),
    ('it', '{dolci,caramelle}'),
    ('zh', '{手机,智能手机,移动电话}'), ('zh', '{笔记本电脑,手提电脑}'), ('zh', '{耳机,耳麦}'), ('zh', '{电视,电视机}'),
    ('zh', '{灯,灯具}'), ('zh', '{灯笼,提灯}'), ('zh', '{杯子,茶杯,水杯}'), ('zh', '{背包,双肩包,书包}'),
    ('zh', '{包,手提包}'), ('zh', '{沙发,长沙发}'), ('zh', '{裤子,长裤}'), ('zh', '{毛衣,套头衫}'),
    ('zh', '{运动鞋,跑鞋,球鞋}'), ('zh', '{外套,夹克,大衣}'), ('zh', '{儿童,孩子,小孩}'), ('zh', '{礼物,礼品}'),
    ('zh', '{手表,腕表}'), ('zh', '{自行车,单车,脚踏车}'), ('zh', '{汽车,轿车}'), ('zh', '{炒锅,铁锅}'),
    ('zh', '{糖果,糖}'), ('zh', '{香水,香氛}'), ('zh', '{地毯,毯子}'), ('zh', '{玩具,玩偶}');
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute("""DROP SCHEMA discovery CASCADE""")
