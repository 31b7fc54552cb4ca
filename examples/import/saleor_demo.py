"""Makes JSON Lines of the demo shop of Saleor (BSD-3-Clause), from its fixture `populatedb_data.json`.

    python examples/import/saleor_demo.py saleor/static demo/
    nightmarket import demo/categories.json --pictures saleor/static
    nightmarket import demo/merchants.json
    nightmarket import demo/products.jsonl --pictures saleor/static

32 products, 73 variants, 51 photos of products and 5 of categories. The fixture calls most photos by names that the
files no longer have; `RENAMED` leads from one to the other. A variant without SKU gets one from its number. Variants
whose stock is not tracked there have `UNTRACKED` units here, since everything here is counted.
"""

import html
import json
import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

MERCHANT = "saleor-demo"
PLACE = "global"
UNTRACKED = 1_000
Fields = dict[str, Any]
Fixture = dict[str, dict[Any, Fields]]

RENAMED = {
    "ascii-shirt-1": ["ascii-shirt-front"],
    "ascii-shirt-2": ["ascii-shirt-back"],
    "blue-shirt-1": ["blue-polygon-tee-front"],
    "blue-shirt-2": ["blue-polygon-tee-back"],
    "cushion": ["cushion-blue"],
    "dark-shirt-1": ["dark-polygon-tee-front"],
    "dark-shirt-2": ["dark-polygon-tee-back"],
    "dash-shirt-1": ["team-tee-front", "dash-tee-front"],
    "dash-shirt-2": ["team-tee-back", "dash-tee-back"],
    "monotype-white-1": ["monospace-white-tee-front"],
    "monotype-white-2": ["monospace-white-tee-back"],
    "paul-balance-420-1": ["pauls-blanace-420-1"],
    "paul-blanace-420-2": ["pauls-blanace-420-2"],
    "polo-shirt-1": ["polo-shirt-front"],
    "polo-shirt-2": ["polo-shirt-back"],
    "s-mask": ["neck-warmer"],
    "saleor-headless-omnichannel-book": ["headless-omnichannel-book", "digital-product"],
    "white_cubics_tee": ["white-cubes-tee-front"],
    "white_cubics_tee_back": ["white-cubes-tee-back"],
}
CATEGORY_PHOTOS = {
    "accessories": "accessories",
    "apparel": "apparel",
    "groceries": "groceries",
    "shirts": "clothing",
    "sunglasses": "summer",
}


def read_fixture(static: Path) -> Fixture:
    """Fields by model and primary key."""
    fixture: Fixture = defaultdict(dict)
    for entry in json.loads((static / "populatedb_data.json").read_text(encoding="utf-8")):
        fixture[entry["model"]][entry["pk"]] = entry["fields"]
    return fixture


def grouped(rows: dict[Any, Fields], by: str) -> dict[Any, list[Fields]]:
    """Rows by one of their fields, each with its key as `pk`."""
    groups: dict[Any, list[Fields]] = defaultdict(list)
    for key, fields in rows.items():
        groups[fields[by]].append({**fields, "pk": key})
    return groups


def plain(text: str | None) -> str:
    """Words without the editor's entities."""
    return html.unescape(text or "").replace("\xa0", " ").strip()


def photos(media: list[Fields], title: str) -> list[Fields]:
    """The files behind a product's pictures, in order."""
    found: list[Fields] = []
    for picture in sorted(media, key=lambda picture: (picture["sort_order"] or 0, picture["pk"])):
        stem = re.sub(r"_[0-9a-f]{8}$", "", Path(picture["image"]).stem)
        files = RENAMED.get(stem, [stem.removeprefix("saleor-")])
        alt = {"en": picture["alt"] or title}
        found.extend({"file": f"placeholders/saleor-{file}.png", "alt": alt} for file in files)
    return found


def products(fixture: Fixture) -> list[Fields]:
    """One entry per product, as a line of JSON Lines says it."""
    attributes, values = fixture["attribute.attribute"], fixture["attribute.attributevalue"]
    variants = grouped(fixture["product.productvariant"], "product")
    prices = grouped(fixture["product.productvariantchannellisting"], "variant")
    stock = grouped(fixture["warehouse.stock"], "product_variant")
    media = grouped(fixture["product.productmedia"], "product")
    facts = grouped(fixture["attribute.assignedproductattributevalue"], "product")
    assigned = {row["variant"]: key for key, row in fixture["attribute.assignedvariantattribute"].items()}
    choices = grouped(fixture["attribute.assignedvariantattributevalue"], "assignment")

    def named(rows: list[Fields]) -> dict[str, str]:
        chosen = [values[row["value"]] for row in rows]
        return {attributes[value["attribute"]]["slug"]: value["name"] for value in chosen}

    def variant(row: Fields) -> Fields:
        return {
            "sku": row["sku"] or f"saleor-{row['pk']}",
            "options": named(choices.get(assigned.get(row["pk"]), [])),
            "prices": {price["currency"]: price["price_amount"] for price in prices[row["pk"]]},
            "stock": {PLACE: sum(lot["quantity"] for lot in stock[row["pk"]]) if row["track_inventory"] else UNTRACKED},
        }

    entries: list[Fields] = []
    for key, product in fixture["product.product"].items():
        known = named(facts[key])
        text = {
            "title": plain(product["name"]),
            "summary": plain(product["seo_description"]),
            "description": plain(product["description_plaintext"]),
        }
        entries.append(
            {
                "merchant": MERCHANT,
                "product": product["slug"],
                "category": fixture["product.category"][product["category"]]["slug"],
                "brand": known.pop("brand", ""),
                "texts": {"en": text},
                "attributes": known,
                "media": photos(media[key], text["title"]),
                "variants": [variant(row) for row in sorted(variants[key], key=lambda row: row["sort_order"] or 0)],
            }
        )
    return entries


def categories(fixture: Fixture) -> list[Fields]:
    """The tree of categories."""
    rows = fixture["product.category"]
    return [
        {
            "slug": row["slug"],
            "names": {"en": row["name"]},
            "parent": rows[row["parent"]]["slug"] if row["parent"] else None,
            "image": f"placeholders/products-list/{CATEGORY_PHOTOS[row['slug']]}.jpg"
            if row["slug"] in CATEGORY_PHOTOS
            else None,
        }
        for row in rows.values()
    ]


def convert(static: Path, target: Path) -> None:
    """Write `categories.json`, `merchants.json` and `products.jsonl` into a folder."""
    fixture = read_fixture(static)
    merchant = {"slug": MERCHANT, "name": "Saleor Demo", "places": [{"code": PLACE, "name": {"en": "Global"}}]}
    target.mkdir(parents=True, exist_ok=True)
    (target / "categories.json").write_text(json.dumps(categories(fixture)), encoding="utf-8")
    (target / "merchants.json").write_text(json.dumps([merchant]), encoding="utf-8")
    lines = [json.dumps(entry, ensure_ascii=False) + "\n" for entry in products(fixture)]
    (target / "products.jsonl").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
