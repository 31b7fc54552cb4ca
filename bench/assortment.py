"""An assortment of any size, made up from a seed: titles, descriptions, variants, attributes, prices and stock.

The same seed gives the same goods on every machine, so that figures of different days speak of the same work.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

SEED = 11
MERCHANTS = 20
VAT_NOISE = (0, 9, 49, 90, 95, 99)

KINDS: tuple[tuple[str, str, tuple[str, ...], tuple[str, ...], int, int], ...] = (
    (
        "kitchen",
        "Küche",
        ("pan", "kettle", "teapot", "chopping board", "colander"),
        ("20 cm", "24 cm", "28 cm"),
        9,
        120,
    ),
    ("lighting", "Licht", ("lantern", "reading lamp", "string of lights", "candle holder"), ("small", "large"), 5, 180),
    ("clothing", "Kleidung", ("shirt", "rain jacket", "scarf", "jumper", "trousers"), ("S", "M", "L"), 12, 240),
    ("shoes", "Schuhe", ("trainer", "sandal", "walking boot", "slipper"), ("38", "40", "42"), 25, 220),
    ("games", "Spiele", ("puzzle", "board game", "deck of cards", "kite"), ("one size",), 6, 80),
    ("garden", "Garten", ("watering can", "trowel", "planter", "hammock"), ("green", "terracotta"), 7, 160),
    ("books", "Bücher", ("cookbook", "atlas", "novel", "field guide"), ("paperback", "hardcover"), 8, 60),
    ("stationery", "Papier", ("notebook", "fountain pen", "desk calendar"), ("A5", "A4"), 2, 70),
)
MATERIALS = ("oak", "steel", "linen", "cotton", "glass", "cast iron", "bamboo", "wool", "recycled paper", "brass")
QUALITIES = ("quiet", "sturdy", "folding", "hand-made", "light", "everyday", "warm", "plain", "bright", "well-worn")
ORIGINS = ("Aurich", "Bassano", "Chengdu", "Dundee", "Évora", "Faro", "Göreme", "Hallstatt")
BRANDS = tuple(
    f"{first}{last}" for first in ("Nord", "Luna", "Via", "Kern", "Stella") for last in ("werk", "haus", "ra")
)
SENTENCES = (
    "Made to be used every day and mended when it has to be.",
    "The {material} takes on colour with the years and asks for nothing but a dry cloth.",
    "Packed without plastic, with a card that says how to look after it.",
    "It was drawn in {origin}, where the workshop has been making {thing}s since the street had a name.",
    "Small marks are part of the {material} and make each piece a little different.",
    "Fits into a drawer, a rucksack or the basket of a bicycle.",
    "If it breaks within five years, send a picture and we send the part.",
)


def gtin13(number: int) -> str:
    """A GTIN-13 whose check digit is right, from the range that GS1 leaves to use within one house."""
    body = f"2{number:011}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body))
    return f"{body}{-total % 10}"


def products(amount: int, seed: int = SEED) -> Iterator[dict[str, Any]]:
    """Products as lines of JSON, one after another."""
    chance = Random(seed)
    for number in range(amount):
        yield _product(chance, number)


def _product(chance: Random, number: int) -> dict[str, Any]:
    category, german, things, sizes, least, most = chance.choice(KINDS)
    thing, material, quality = chance.choice(things), chance.choice(MATERIALS), chance.choice(QUALITIES)
    brand, origin = chance.choice(BRANDS), chance.choice(ORIGINS)
    words = {"material": material, "origin": origin, "thing": thing}
    story = " ".join(one.format(**words) for one in chance.sample(SENTENCES, chance.randint(2, 5)))
    title = f"{quality.capitalize()} {material} {thing} {number}"
    texts: dict[str, Any] = {
        "en": {
            "title": title,
            "summary": f"A {quality} {thing} of {material} from {origin}.",
            "description": story,
            "highlights": [f"{material.capitalize()} from {origin}", "Five years of repairs"],
        }
    }
    if chance.random() < 0.4:
        texts["de"] = {"title": f"{german}: {thing} {number}", "summary": f"Aus {origin}."}
    base = chance.randint(least, most)
    attributes = {
        "material": material,
        "origin": origin,
        "weight_g": chance.randint(40, 9_000),
        "washable": chance.random() < 0.5,
    }
    return {
        "merchant": f"assortment-{number % MERCHANTS}",
        "product": f"{thing.replace(' ', '-')}-{number}",
        "category": category,
        "brand": brand,
        "texts": texts,
        "attributes": attributes,
        "variants": [
            _variant(chance, number, place, size, base)
            for place, size in enumerate(chance.sample(sizes, chance.randint(1, min(3, len(sizes)))))
        ],
    }


def _variant(chance: Random, number: int, place: int, size: str, base: int) -> dict[str, Any]:
    cents = chance.choice(VAT_NOISE)
    return {
        "sku": f"N{number:07}-{place}",
        "gtin": gtin13(number * 10 + place),
        "options": {"size": size},
        "prices": {"EUR": f"{base + place * 2}.{cents:02}", "USD": f"{base + place * 2 + 3}.{cents:02}"},
        "stock": {"main": chance.choice((0, chance.randint(1, 20), chance.randint(20, 5_000)))},
    }


def write(file: Path, amount: int, seed: int = SEED) -> int:
    """Write them as JSON Lines; returns how many variants there are."""
    variants = 0
    with file.open("w", encoding="utf-8") as out:
        for product in products(amount, seed):
            variants += len(product["variants"])
            out.write(json.dumps(product, ensure_ascii=False, separators=(",", ":")) + "\n")
    return variants


def main() -> None:
    """Write an assortment to a file."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("file", type=Path)
    options.add_argument("--products", type=int, default=100_000)
    options.add_argument("--seed", type=int, default=SEED)
    chosen = options.parse_args()
    print(f"{write(chosen.file, chosen.products, chosen.seed):,} variants")


if __name__ == "__main__":
    main()
