"""Cashback and red packets at the console: what gives wallet money, to whom, and how much of its budget is used."""

from datetime import timedelta

import msgspec
from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.reading import CURRENCIES, note, shown
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import pick
from nightmarket.payments.contract.wallets import SOURCE, Source, SourceFigures, SourceKind
from nightmarket.payments.errors import WalletRefused
from nightmarket.promotions.contract.festivals import FESTIVAL

from .form import AUDIENCES, KINDS, kind_of, read_source

HERE = "/console/wallets"
FIELDS = {
    "name": "name_en",
    "currency": "currency",
    "categories": "categories",
    "merchants": "merchants",
    "since": "since",
    "until": "until",
    "spend_until": "spend_until",
    "budget": "budget",
    "amount": "amount",
    "credit_days": "credit_days",
    "parts": "parts",
    "at_least": "at_least",
    "addresses": "addresses",
    "festival": "festival",
}
MARKET = say_later("the market")
ENDED, SENT, AHEAD, GIVES, OVER = (
    (say_later("was ended"), ""),
    (say_later("sent to all of them"), "good"),
    (say_later("begins later"), "warn"),
    (say_later("gives now"), "good"),
    (say_later("not valid any more"), ""),
)


class SourceRow(msgspec.Struct, frozen=True):
    """A campaign or packet in the list."""

    ident: str
    name: str
    kind: str
    funder: str
    audience: str
    source: Source
    figures: SourceFigures
    state: str
    tone: str

    @property
    def used(self) -> int:
        """How much of the budget is given or promised, in percent."""
        return self.figures.spent * 100 // self.source.terms.budget


async def show_list(desk: Desk) -> ASGIResponse:
    """The newest first."""
    async with desk.shop.database.read() as connection:
        found = await desk.shop.wallets.sources(connection)
    return desk.page("purses/list.html", rows=await _rows(desk, list(found)), kinds=KINDS)


async def show_new(desk: Desk) -> ASGIResponse:
    """The form of a kind: from now on for a week, spent until Christmas is over."""
    kind = kind_of(desk.query("kind"))
    now = desk.now.replace(second=0, microsecond=0)
    values = {
        "once": encode(SOURCE, desk.shop.ids.new()),
        "kind": kind.value,
        "currency": CURRENCIES[0],
        "gives": "percent",
        **shown(
            desk.zone,
            {
                "since": now,
                "until": now + timedelta(days=7),
                "spend_from": now,
                "spend_until": now + timedelta(days=60),
            },
        ),
        "credit_days": "14",
    }
    return await _form_page(desk, Form(values))


async def create(desk: Desk) -> ASGIResponse:
    """Make it; its id comes with the form, so that sending it twice makes one."""
    form = await desk.form()
    id = form.once(SOURCE)
    new = await read_source(desk, form, id)
    if new is None:
        return await _form_page(desk, form, status=422)
    ident = encode(SOURCE, id)
    try:
        async with desk.acting("wallets.make", ident, new.terms.money.name.get("en", "")) as tx:
            await desk.shop.wallets.make(tx, new, desk.actor.name)
    except WalletRefused as refused:
        note(desk, form, refused, FIELDS, "name_en")
        return await _form_page(desk, form, status=refused.status)
    return desk.redirect(f"{HERE}/{ident}")


async def show(desk: Desk) -> ASGIResponse:
    """One of them with its figures."""
    async with desk.shop.database.read() as connection:
        source = await desk.shop.wallets.source(connection, desk.id(SOURCE))
    [row] = await _rows(desk, [source])
    is_open = source.terms.kind is SourceKind.OPEN
    link = f"{desk.shop.settings.address}/packets/{row.ident}" if is_open else ""
    merchants = {one.id: one.name for one in await desk.shop.catalog.merchants()}
    money = source.terms.money
    goods = [*money.categories, *money.brands, *(merchants.get(id, "") for id in money.merchants)]
    return desk.page("purses/source.html", row=row, link=link, goods=goods, kind=source.terms.kind.value)


async def end(desk: Desk) -> ASGIResponse:
    """It gives nothing from now on; what was given stays."""
    await desk.form()
    id = desk.id(SOURCE)
    async with desk.acting("wallets.end", encode(SOURCE, id)) as tx:
        await desk.shop.wallets.end(tx, id)
    return desk.redirect(f"{HERE}/{encode(SOURCE, id)}")


async def _rows(desk: Desk, found: list[Source]) -> list[SourceRow]:
    async with desk.shop.database.read() as connection:
        figures = await desk.shop.wallets.figures(connection, [one.id for one in found])
    merchants = {one.id: one.name for one in await desk.shop.catalog.merchants()}
    rows: list[SourceRow] = []
    for one in found:
        words, tone = _state(desk, one)
        terms = one.terms
        rows.append(
            SourceRow(
                encode(SOURCE, one.id),
                pick(terms.money.name, desk.visit.language) or "",
                desk.say(KINDS[terms.kind]),
                merchants.get(terms.money.funder, "") if terms.money.funder else "",
                desk.say(AUDIENCES[terms.audience]) if terms.kind is SourceKind.PACKET else "",
                one,
                figures[one.id],
                desk.say(words),
                tone,
            )
        )
    return rows


def _state(desk: Desk, source: Source) -> tuple[str, str]:
    if source.ended_at is not None:
        return ENDED
    if source.done_at is not None:
        return SENT
    if desk.now < source.terms.since:
        return AHEAD
    return GIVES if desk.now < source.terms.until else OVER


async def _form_page(desk: Desk, form: Form, status: int = 200) -> ASGIResponse:
    kind = kind_of(form.get("kind"))
    language = desk.visit.language
    festivals = [(encode(FESTIVAL, one.id), pick(one.name, language) or "") for one in desk.shop.festivals.all()]
    merchants = await desk.shop.catalog.merchants()
    return desk.page(
        "purses/new.html",
        status=status,
        form=form,
        kind=kind.value,
        title=KINDS[kind],
        currencies=[(one, one) for one in CURRENCIES],
        audiences=[(one.value, desk.say(words)) for one, words in AUDIENCES.items()],
        festivals=festivals,
        merchants=[("", desk.say(MARKET)), *((one.slug, one.name) for one in merchants)],
    )
