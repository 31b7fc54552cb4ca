"""One product: the form that makes and changes it, its preview, a copy of it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from litestar.response.base import ASGIResponse

from nightmarket.bootstrap import CURRENCY
from nightmarket.catalog.contract import (
    Attribute,
    Category,
    Merchant,
    MerchantState,
    Product,
    ProductKind,
    ProductState,
)
from nightmarket.catalog.errors import EntryRefused, VersionConflict
from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.stalls import StallNotOpen, count_upload, own, require_open
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import LANGUAGES, pick
from nightmarket.kernel.problems import NotFound
from nightmarket.platform.database import Connection
from nightmarket.platform.media import Media
from nightmarket.tally.contract import Level

from .counting import Count, CountRefused, count, read_counts
from .drafts import draft_of, note_flaws, read_draft
from .fields import (
    BLANK_ROWS,
    CURRENCIES,
    OPTIONS_TYPED,
    VARIANTS_TYPED,
    Row,
    combine,
    form_of,
    is_blank,
    pictures_of,
    put_pictures,
    put_rows,
    rows_of,
)

GOODS = "/console/selling/goods"
PICTURES_AT_ONCE = 10
CHANGED = say_later(
    "Somebody changed these goods while you typed. What you typed is still here: compare, and save again to replace it."
)
KINDS = {
    ProductKind.GOODS: say_later("Goods that are sent"),
    ProductKind.BOOKING: say_later("A booking: each variant is a slot, its stock are the seats"),
    ProductKind.CONTACT: say_later("Contact only: leads to you, is not put into a cart"),
}


class Subject(NamedTuple):
    """What a form is about: the merchant, its places (code by id), and the product, if there is one already."""

    merchant: Merchant
    places: Mapping[UUID, str]
    product: Product | None


async def show_new(desk: Desk) -> ASGIResponse:
    """An empty form."""
    subject = Subject(await own(desk), await places_of(desk), None)
    form = Form({"once": encode("adj", desk.shop.ids.new()), "category": "other", "kind": "goods", "version": "0"})
    put_rows(form, [{"for_sale": "yes"}])
    return await form_page(desk, subject, form)


async def create(desk: Desk) -> ASGIResponse:
    """Make the product that was typed."""
    return await _save(desk, Subject(await own(desk), await places_of(desk), None))


async def show(desk: Desk) -> ASGIResponse:
    """The form with the product as it is."""
    product = await product_of(desk)
    places = await places_of(desk)
    levels = await levels_of(desk, product)
    form = form_of(product, places, levels, desk.zone)
    form.values["once"] = encode("adj", desk.shop.ids.new())
    return await form_page(desk, Subject(await own(desk), places, product), form)


async def save(desk: Desk) -> ASGIResponse:
    """Replace the product by what was typed."""
    return await _save(desk, Subject(await own(desk), await places_of(desk), await product_of(desk)))


async def preview(desk: Desk) -> ASGIResponse:
    """The product as shoppers will read it, in the language that is asked for."""
    product = await product_of(desk)
    language = desk.query("lang") if desk.query("lang") in LANGUAGES else desk.visit.language
    titles = {code: words.title for code, words in product.texts.items()}
    known = {one.key: one for one in await desk.shop.catalog.attributes()}
    levels = await levels_of(desk, product)
    return desk.page(
        "selling/preview.html",
        product=product,
        ident=encode("prd", product.id),
        title=pick(titles, language) or product.slug,
        words=product.texts.get(language) or next(iter(product.texts.values()), None),
        shown_language=language,
        languages=sorted(product.texts),
        facts=[
            (_name(known, key, language), _fact(known, key, value, language))
            for key, value in product.attributes.items()
        ],
        levels={
            one.id: sum(levels[s.tally].available for s in one.stock if s.tally in levels) for one in product.variants
        },
        in_shop=product.state is ProductState.LIVE and product.merchant.state is MerchantState.OPEN,
    )


async def copy(desk: Desk) -> ASGIResponse:
    """Another product like it, as a draft with SKUs of its own and no stock."""
    await desk.form()
    product = await product_of(desk)
    tail = encode("", desk.shop.ids.new())[-5:]
    draft = draft_of(product)
    draft = msgspec.structs.replace(
        draft,
        product=None,
        expected_version=0,
        key=f"{product.slug[:70]}-{tail}",
        state=ProductState.DRAFT,
        texts={
            code: msgspec.structs.replace(words, title=f"{words.title[:180]} ({desk.say('copy')})")
            for code, words in draft.texts.items()
        },
        variants=tuple(msgspec.structs.replace(one, sku=f"{one.sku[:58]}-{tail}", gtin="") for one in draft.variants),
    )
    async with desk.acting("goods.copy", encode("prd", product.id), product.slug) as tx:
        [saved] = await desk.shop.editor.save_products(tx, [draft], desk.actor.name)
    return desk.redirect(f"{GOODS}/{encode('prd', saved.product)}?done=copied")


async def product_of(desk: Desk) -> Product:
    """The product of the address, read through the merchant's own eyes. Raises NotFound for anybody else's."""
    merchant, wanted = await own(desk), desk.id("prd")
    async with desk.reading() as connection:
        found = await desk.shop.editor.product(connection, wanted)
    if found is None or found.merchant.id != merchant.id:
        raise NotFound(say_later("There are no such goods."), field="id")
    return found


async def places_of(desk: Desk) -> Mapping[UUID, str]:
    """Codes of the merchant's places by id, in order of code."""
    merchant = await own(desk)
    async with desk.reading() as connection:
        return {place.id: place.code for place in await desk.shop.shelf.places(connection, merchant.id)}


async def levels_of(desk: Desk, product: Product) -> Mapping[UUID, Level]:
    """How the tallies of the product's stock stand."""
    tallies = [stock.tally for variant in product.variants for stock in variant.stock]
    async with desk.shop.database.read() as connection:
        return await desk.shop.tallies.levels(connection, tallies)


async def _save(desk: Desk, subject: Subject) -> ASGIResponse:
    form, files = await desk.upload()
    form.lists.setdefault("shelves", [])
    if files:
        await count_upload(desk, subject.merchant)
    await _take_pictures(desk, form, files.get("pictures", []))
    put_rows(form, [row for row in rows_of(form) if not is_blank(row)] or [{"for_sale": "yes"}])
    match form.get("action"):
        case "row":
            put_rows(form, [*rows_of(form), {"for_sale": "yes"}][:VARIANTS_TYPED])
            return await form_page(desk, subject, form)
        case "combine":
            combine(form)
            return await form_page(desk, subject, form)
        case action:
            return await _keep(desk, subject, form, publishing=action == "publish")


async def _keep(desk: Desk, subject: Subject, form: Form, *, publishing: bool) -> ASGIResponse:
    definitions = await desk.shop.catalog.attributes()
    draft = read_draft(form, subject.merchant.id, subject.product, definitions, desk)
    counts = read_counts(form, subject.places, desk.visit)
    try:
        if publishing:
            require_open(subject.merchant)
            draft = msgspec.structs.replace(draft, state=ProductState.LIVE)
    except StallNotOpen as problem:
        return await form_page(desk, subject, form, problem.status, notice=desk.say(problem.detail))
    if form.errors:
        return await form_page(desk, subject, form, 422)
    about = encode("prd", subject.product.id) if subject.product else encode("mer", subject.merchant.id)
    titles = {code: words.title for code, words in draft.texts.items()}
    try:
        async with desk.acting("goods.save", about, pick(titles, "en") or "") as tx:
            [saved] = await desk.shop.editor.save_products(tx, [draft], desk.actor.name)
            await _count(desk, tx, subject, saved.product, form, counts)
    except EntryRefused as problem:
        note_flaws(form, problem, desk.visit)
        return await form_page(desk, subject, form, 422)
    except VersionConflict as problem:
        form.values["version"] = str(problem.fields.get("current", 0))
        return await form_page(desk, subject, form, problem.status, notice=desk.say(CHANGED))
    except CountRefused as refused:
        form.wrong(refused.field, desk.say(say_later("Orders hold some of these units; that few cannot be.")))
        return await form_page(desk, subject, form, 409)
    done = "published" if publishing else "saved"
    return desk.redirect(f"{GOODS}/{encode('prd', saved.product)}?done=goods-{done}")


async def _count(
    desk: Desk, tx: Connection, subject: Subject, product: UUID, form: Form, counts: Sequence[Count]
) -> None:
    if not counts:
        return
    now = await desk.shop.editor.product(tx, product)
    variants = {variant.sku: variant.id for variant in now.variants} if now else {}
    places = {code: id for id, code in subject.places.items()}
    wanted = [(variants[one.sku], places[one.place], one) for one in counts if one.sku in variants]
    await count(desk, tx, subject.merchant.id, wanted, form)


async def _take_pictures(desk: Desk, form: Form, files: Sequence[bytes]) -> None:
    """Keep what was uploaded at once, so that a refused form still has it."""
    if not files:
        return
    if len(files) > PICTURES_AT_ONCE:
        form.wrong("pictures", desk.say(say_later("Send at most %(most)s pictures at once."), most=PICTURES_AT_ONCE))
    found = await desk.shop.library.prepare(files[:PICTURES_AT_ONCE])
    good = [one for one in found if isinstance(one, Media)]
    if len(good) < len(found):
        words = say_later("One of the files is no picture that we can show. Send JPEG, PNG or WebP.")
        form.wrong("pictures", desk.say(words))
    if good:
        async with desk.shop.database.transaction() as tx:
            await desk.shop.library.record(tx, good)
    rows = pictures_of(form)
    there = {row.get("image") for row in rows}
    new: list[Row] = [{"image": one.sha256, "position": "99"} for one in good if one.sha256 not in there]
    put_pictures(form, [*rows, *new])


async def form_page(desk: Desk, subject: Subject, form: Form, status: int = 200, notice: str = "") -> ASGIResponse:
    """The form, with what was typed and what is wrong with it."""
    shop, product = desk.shop, subject.product
    async with desk.reading() as connection:
        charts = await shop.editor.size_charts(connection)
        brands = [brand.name for brand in await shop.editor.all_brands(connection)][:500]
    rows = rows_of(form)
    whole = product is None or len(product.variants) <= VARIANTS_TYPED
    attributes = await shop.catalog.attributes()
    defined = {one.key for one in attributes}
    return desk.page(
        "selling/product.html",
        status=status,
        form=form,
        notice=notice,
        merchant=subject.merchant,
        product=product,
        ident=encode("prd", product.id) if product else "",
        rows=rows,
        whole=whole,
        more=len(rows) + BLANK_ROWS <= VARIANTS_TYPED,
        pictures=pictures_of(form),
        places=list(subject.places.values()),
        currencies=_currencies(form),
        options=range(1, OPTIONS_TYPED + 1),
        categories=paths_of(await shop.catalog.categories(), desk.visit.language),
        shelves=[one for one in await shop.catalog.categories() if one.tree != "goods"],
        charts=[(one.slug, pick(one.names, desk.visit.language) or one.slug) for one in charts],
        brands=brands,
        kinds=[(kind.value, desk.say(words)) for kind, words in KINDS.items()],
        attributes=attributes,
        told_keys={one.key for one in attributes if _is_told(form, one.key)},
        free={key: value for key, value in product.attributes.items() if key not in defined} if product else {},
        is_open=subject.merchant.state is MerchantState.OPEN,
    )


def _is_told(form: Form, key: str) -> bool:
    """Whether the form has a value or an error for the attribute."""
    names = [f"attributes-{key}", *(f"attributes-{key}-{code}" for code in LANGUAGES)]
    return any(form.get(name) or form.error(name) for name in names)


def _currencies(form: Form) -> list[str]:
    used = {name.rpartition("-")[2] for name, value in form.values.items() if "-prices-" in name and value}
    return [code for code in CURRENCIES if code == CURRENCY or code in used] + [
        code for code in CURRENCIES if code != CURRENCY and code not in used
    ]


def paths_of(categories: Sequence[Category], language: str) -> list[tuple[str, str]]:
    """The categories of the goods' tree with the way to each: ("lamps", "Home › Lamps"), in order of the way."""
    known = {one.slug: one for one in categories}
    found: list[tuple[str, str]] = []
    for one in categories:
        if one.tree == "goods":
            way: list[str] = []
            step: Category | None = one
            while step is not None and len(way) < 10:
                way.insert(0, pick(step.names, language) or step.slug)
                step = known.get(step.parent or "")
            found.append((one.slug, " › ".join(way)))
    return sorted(found, key=lambda pair: pair[1].casefold())


def _name(known: Mapping[str, Attribute], key: str, language: str) -> str:
    return (pick(known[key].names, language) if key in known else None) or key


def _fact(known: Mapping[str, Attribute], key: str, value: Any, language: str) -> str:
    definition = known.get(key)
    match value:
        case bool():
            return "✓" if value else "–"
        case dict():
            return pick(msgspec.convert(value, dict[str, str]), language) or ""
        case list():
            return ", ".join(msgspec.convert(value, list[str]))
        case str() if definition is not None and value in definition.choices:
            return pick(definition.choices[value], language) or value
        case _:
            return f"{value} {definition.unit}" if definition is not None and definition.unit else str(value)
