"""Items of a Google Merchant feed, from XML or from a table: each is a variant, joined by `item_group_id`.

Fields and their forms: Google Merchant Center help, "Product data specification".
"""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import unquote, urlsplit

import msgspec

from nightmarket.catalog.contract import Remark, Texts
from nightmarket.catalog.errors import ColumnMapWrong, Reason
from nightmarket.kernel.money import known_currency

from . import bounds, checks
from .checks import RowRefused
from .html_text import to_text
from .json_rows import check_pictures, own_merchant, remark
from .meanings import Assumed
from .rows import PictureName, ProductRow, Reading, TextPart, VariantRow, product_id
from .table_rows import category_slug, slug_of

PLACE = "main"
OPTIONS = {"color": "colour", "size": "size", "material": "material", "pattern": "pattern"}
"""What tells variants of a group apart: Google's name and ours."""

OPTION_SECTION = "Option"
"""Section of `product_detail` in which our export keeps options that Google has no field for."""

VARIANT_PICTURES = "variant_image_link"
"""A field of ours, which Google passes over: with it, `image_link` and its like are the product's, this the variant's.
Without it, the pictures of an item in a group are the variant's."""

LISTS = frozenset({"additional_image_link", VARIANT_PICTURES})
"""Fields whose cell may hold several values with commas between them."""
KNOWN = frozenset(
    {
        *("id", "item_group_id", "title", "description", "link", "image_link", "availability", "quantity", "price"),
        *("brand", "gtin", "product_type", "google_product_category", "sell_on_google_quantity", VARIANT_PICTURES),
        *OPTIONS,
        *LISTS,
        "product_detail",
    }
)
Item = Mapping[str, Sequence[str]]
"""What an item says: the values of each field."""

_PRICE = re.compile(r"([0-9][0-9.,]*)\s*([A-Z]{3})\Z|([A-Z]{3})\s*([0-9][0-9.,]*)\Z")


def is_google(header: Sequence[str]) -> bool:
    """Whether the names of the columns are those of a Google Merchant feed."""
    names = {field_name(name) for name in header}
    return {"id", "title"} <= names and len(names & {"link", "image_link", "availability", "price"}) >= 2


def field_name(name: str) -> str:
    """`item_group_id` for `g:item_group_id`, `Item group ID` and `item group id`."""
    return re.sub(r"[\s_-]+", "_", name.strip().lower().removeprefix("g:"))


class GoogleReader(msgspec.Struct, frozen=True):
    """Understands the items of one feed."""

    merchant: str | None
    assumed: Assumed

    def read(self, item: Item, line: int) -> Reading:
        """One item as a product with one variant."""
        given = {name: values[0] for name, values in item.items() if values and values[0]}
        sku, group = given.get("id", ""), given.get("item_group_id", "")
        remarks: list[Remark] = []
        try:
            return Reading(self._product(item, given, line, remarks), remarks)
        except RowRefused as refusal:
            return Reading(None, [remark(line, refusal, (group or sku)[: bounds.MAX_SLUG], sku[: bounds.MAX_SKU])], 1)

    def _product(self, item: Item, given: dict[str, str], line: int, remarks: list[Remark]) -> ProductRow:
        merchant = own_merchant(None, self.merchant)
        sku = checks.sku(given.get("id", ""), field="id")
        key = sku
        if "item_group_id" in given:
            key = checks.sku(given["item_group_id"], field="item_group_id", code=Reason.KEY_INVALID)
        texts = self._texts(given)
        category = self._category(given, line, sku, remarks)
        shown, own = _pictures(item, grouped="item_group_id" in given)
        return ProductRow(
            line=line,
            merchant=merchant,
            key=key,
            id=product_id(merchant, key),
            slug=_slug(given, texts, key),
            category=category,
            brand=checks.text(given["brand"], field="brand", limit=bounds.MAX_BRAND) if "brand" in given else None,
            texts=texts,
            pictures=check_pictures(shown, "image_link", bounds.MAX_PRODUCT_PICTURES),
            variants=[self._variant(item, given, line, own, remarks)],
            one_language=True,
        )

    def _texts(self, given: dict[str, str]) -> dict[str, TextPart]:
        words = TextPart()
        if "title" in given:
            words.title = checks.text(given["title"], field="title", limit=bounds.MAX_TITLE)
        if "description" in given:
            words.description = checks.text(
                to_text(given["description"]), field="description", limit=bounds.MAX_DESCRIPTION, lines=True
            )
        return {self.assumed.language: words} if words.title or words.description else {}

    def _category(self, given: dict[str, str], line: int, sku: str, remarks: list[Remark]) -> str | None:
        """The merchant's own type if it is an address of ours, else Google's category by name, else the type."""
        own, google = given.get("product_type", ""), given.get("google_product_category", "")
        if own and checks.make_slug(own) == own:
            return own
        if checks.make_slug(google) and not google.isdigit():
            return category_slug(google)
        if checks.make_slug(own):
            return category_slug(own)
        if google:
            remarks.append(_numbered_category(line, google, sku))
        return None

    def _variant(
        self, item: Item, given: dict[str, str], line: int, own: list[PictureName] | None, remarks: list[Remark]
    ) -> VariantRow:
        sku = checks.sku(given.get("id", ""), field="id")
        currency, price = self._price(given)
        return VariantRow(
            line=line,
            field="price",
            sku=sku,
            position=line,
            gtin=checks.gtin(given["gtin"], field="gtin") if "gtin" in given else None,
            options=self._options(item, given) or None,
            prices={currency: price} if price else {},
            stock=_stock(given, line, sku, remarks),
            pictures=check_pictures(own, "image_link", bounds.MAX_VARIANT_PICTURES),
        )

    def _price(self, given: dict[str, str]) -> tuple[str, int]:
        """Currency and minor units; no units where there is no price."""
        text = given.get("price", "").strip()
        if not text:
            return "", 0
        found = _PRICE.match(text.upper())
        currency = (found[2] or found[3]) if found else self.assumed.currency
        amount = (found[1] or found[4]) if found else text
        if currency is None or not known_currency(currency):
            raise RowRefused(
                "price",
                Reason.CURRENCY_UNKNOWN,
                f"{checks.excerpt(text)} does not tell its currency.",
                "Write 12.50 EUR, or say --currency EUR for all prices.",
            )
        if re.fullmatch(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?", amount):
            amount = amount.replace(",", "")
        elif re.fullmatch(r"[0-9]+,[0-9]{2}", amount):
            amount = amount.replace(",", ".")
        return currency, checks.price(amount, currency, field="price")

    def _options(self, item: Item, given: dict[str, str]) -> dict[str, Texts]:
        found: dict[str, Texts] = {}
        if "item_group_id" in given:
            for name, ours in OPTIONS.items():
                if name in given:
                    text = checks.text(given[name], field=name, limit=bounds.MAX_OPTION)
                    found[ours] = {self.assumed.language: text}
        for detail in item.get("product_detail", ()):
            section, _, rest = detail.partition(":")
            name, _, value = rest.partition(":")
            if section == OPTION_SECTION and value:
                text = checks.text(value, field="product_detail", limit=bounds.MAX_OPTION)
                found[checks.name(name, field="product_detail")] = {self.assumed.language: text}
        checks.at_most(len(found), bounds.MAX_OPTIONS, "product_detail", "options")
        return found


def google_reader(merchant: str | None, assumed: Assumed) -> GoogleReader:
    """A reader for a feed; raises ColumnMapWrong where no item could be taken."""
    if merchant is None:
        raise ColumnMapWrong("A Google feed does not say whose goods it holds; add --merchant SLUG.", field="merchant")
    return GoogleReader(merchant, assumed)


def _pictures(item: Item, *, grouped: bool) -> tuple[list[PictureName] | None, list[PictureName] | None]:
    """The product's pictures and the variant's own."""
    links = [*item.get("image_link", ())[:1], *item.get("additional_image_link", ())]
    named = [PictureName(link) for link in dict.fromkeys(filter(None, links))] or None
    if VARIANT_PICTURES in item:
        return named, [PictureName(link) for link in item[VARIANT_PICTURES] if link] or None
    return (None, named) if grouped else (named, None)


def _slug(given: dict[str, str], texts: dict[str, TextPart], key: str) -> str:
    """The last part of the page's address, else title and key."""
    try:
        last = unquote(urlsplit(given.get("link", "")).path).rstrip("/").rsplit("/", 1)[-1]
    except ValueError:
        last = ""
    return last if last and checks.make_slug(last) == last else slug_of(texts, key)


def _stock(given: dict[str, str], line: int, sku: str, remarks: list[Remark]) -> dict[str, int]:
    availability = field_name(given.get("availability", ""))
    quantity = given.get("quantity") or given.get("sell_on_google_quantity")
    if availability == "out_of_stock":
        return {PLACE: 0}
    if quantity:
        return {PLACE: checks.counted(quantity, field="quantity")}
    if availability in ("in_stock", "limited_availability"):
        remarks.append(
            Remark(
                line=line,
                field="availability",
                code=Reason.STOCK_UNKNOWN,
                reason="It is in stock, but the feed does not say how many; the stock was left as it is.",
                mend="Add a column quantity, or count the stock in the console.",
                sku=sku,
                refused=False,
            )
        )
    return {}


def _numbered_category(line: int, number: str, sku: str) -> Remark:
    return Remark(
        line=line,
        field="google_product_category",
        code=Reason.CATEGORY_UNKNOWN,
        reason=f"{checks.excerpt(number)} is a number of Google's, whose name is not known here.",
        mend="Write the category by name, or give a product_type.",
        sku=sku,
        refused=False,
    )
