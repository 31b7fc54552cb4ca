"""Makes a table of a retailer's whole assortment from a year of its sales (UCI "Online Retail", Chen 2015, CC BY 4.0).

    python examples/import/uci_retail.py online_retail.csv.gz assortment.csv
    nightmarket import assortment.csv --map sku=StockCode --map product=StockCode --map title.en=Description \\
        --map price.GBP=UnitPrice --map stock.main=Quantity --map category==homeware --map merchant==uci

One row per stock code, letter for letter: `85123a` and `85123A` are two codes, as in the sales. Each has its latest
name (of lines with a price first, since lines without one carry notes such as "damaged"), its latest price above
zero, and as stock the units that were sold of it. A code without name or price is written too, so that the import
can say so.
"""

import csv
import gzip
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

HEADER = ("StockCode", "Description", "UnitPrice", "Quantity")


@dataclass
class Article:
    """What the sales say of one stock code."""

    name: str = ""
    note: str = ""
    price: str = ""
    sold: int = 0


def assortment(lines: Iterable[dict[str, str]]) -> dict[str, Article]:
    """Articles by stock code, from lines of sales in order of time."""
    articles: dict[str, Article] = {}
    for line in lines:
        article = articles.setdefault(line["StockCode"], Article())
        name = line["Description"].strip()
        has_price = float(line["UnitPrice"]) > 0
        if has_price:
            article.price = line["UnitPrice"]
        if name:
            article.note = name
            article.name = name if has_price else article.name
        article.sold += max(0, int(line["Quantity"]))
    return articles


def convert(sales: Path, target: Path) -> int:
    """Write the table; returns its number of articles."""
    with gzip.open(sales, "rt", encoding="utf-8", newline="") as opened:
        articles = assortment(csv.DictReader(opened))
    with target.open("w", encoding="utf-8", newline="") as opened:
        table = csv.writer(opened)
        table.writerow(HEADER)
        for code, article in sorted(articles.items()):
            table.writerow((code, article.name or article.note, article.price, article.sold))
    return len(articles)


if __name__ == "__main__":
    print(f"{convert(Path(sys.argv[1]), Path(sys.argv[2]))} articles")
