"""The forms of cashback campaigns and red packets, read into what payments make."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.reading import basis_points, currency_of, instant, money, names, whole
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import decode
from nightmarket.kernel.problems import InvalidInput
from nightmarket.payments.contract.wallets import MAX_LISTED, Audience, MoneyFor, NewSource, SourceKind, SourceTerms
from nightmarket.platform.access import account_by_email, normal_email
from nightmarket.promotions.contract.festivals import FESTIVAL

KINDS = {
    SourceKind.CASHBACK: say_later("Cashback"),
    SourceKind.PACKET: say_later("Red packet to many"),
    SourceKind.OPEN: say_later("Red packet to open"),
}
AUDIENCES = {
    Audience.NO_OFFER: say_later("those who used no offer in a festival"),
    Audience.ALL: say_later("all shoppers with an account"),
    Audience.LISTED: say_later("the accounts with these addresses"),
}
NO_GOODS = say_later("There is no such category, brand or merchant: %(word)s")
NO_ACCOUNT = say_later("There is no account with the address %(address)s.")
NO_FESTIVAL = say_later("Choose the festival whose offers they did not use.")
REFUSED = (
    say_later("Say in English what the money is for."),
    say_later("Say it in 1 to 120 visible letters."),
    say_later("Bind money to at most 50 categories, brands or merchants."),
    say_later("What a merchant gives is spent on that merchant's goods."),
    say_later("It ends after it begins."),
    say_later("The end lies in the past."),
    say_later("The money lasts until after it can first be spent."),
    say_later("The money would be over before anybody has it."),
    say_later("Money is over within 400 days."),
    say_later("Give a budget above nothing, and below ten billion."),
    say_later("Give back a percentage up to 100, or an amount."),
    say_later("Credit it within 60 days."),
    say_later("Give each something, and not more than the budget."),
    say_later("Make 1 to 10000 parts."),
    say_later("The least of each part fits into the budget."),
    say_later("Name 1 to 20000 addresses of accounts."),
)
"""What payments refuse, in their words, so that they are translated."""


def kind_of(text: str) -> SourceKind:
    """The kind that an address or form names; cashback for any other."""
    return next((one for one in SourceKind if one.value == text), SourceKind.CASHBACK)


async def read_source(desk: Desk, form: Form, id: UUID) -> NewSource | None:
    """The source that the form describes; None, with the errors noted, if it cannot be one."""
    kind, currency = kind_of(form.get("kind")), currency_of(form)
    times = _times(desk, form, kind)
    funder = await _funder(desk, form)
    goods = await _goods(desk, form)
    amounts = _amounts(desk, form, kind, currency)
    audience = next((one for one in Audience if one.value == form.get("audience")), Audience.NO_OFFER)
    listed, festival = await _audience(desk, form, kind, audience)
    if form.errors or times is None:
        return None
    own = (funder,) if funder is not None else goods["merchants"]
    name = names(form, "name")
    lasts = MoneyFor(
        name,
        currency,
        times["spend_from"],
        times["spend_until"],
        funder,
        tuple(map(str, goods["categories"])),
        tuple(map(str, goods["brands"])),
        tuple(one for one in own if isinstance(one, UUID)),
    )
    terms = SourceTerms(
        kind,
        lasts,
        amounts["budget"],
        times["since"],
        times["until"],
        basis_points=amounts["basis_points"],
        amount=amounts["amount"],
        at_least=amounts["at_least"],
        per_order=amounts["per_order"],
        per_account=amounts["per_account"],
        credit_days=amounts["credit_days"],
        audience=audience,
        festival=festival,
        parts=amounts["parts"],
    )
    return NewSource(id, terms, listed)


def _times(desk: Desk, form: Form, kind: SourceKind) -> Mapping[str, datetime] | None:
    """A packet that is sent may be sent until its money is over."""
    fields = ("since", "until", "spend_from", "spend_until")
    asked = [name for name in fields if name != "until" or kind is not SourceKind.PACKET]
    found = {name: at for name in asked if (at := instant(desk, form, name)) is not None}
    if len(found) < len(asked):
        return None
    return {"until": max(found["spend_until"], found["since"] + timedelta(minutes=1)), **found}


def _amounts(desk: Desk, form: Form, kind: SourceKind, currency: str) -> dict[str, int]:
    is_cashback = kind is SourceKind.CASHBACK
    percent = is_cashback and form.get("gives") != "amount"
    return {
        "budget": money(desk, form, "budget", currency),
        "basis_points": basis_points(desk, form, "amount") if percent else 0,
        "amount": 0 if percent or kind is SourceKind.OPEN else money(desk, form, "amount", currency),
        "at_least": 0 if kind is SourceKind.PACKET else money(desk, form, "at_least", currency),
        "per_order": money(desk, form, "per_order", currency) if is_cashback else 0,
        "per_account": money(desk, form, "per_account", currency) if is_cashback else 0,
        "credit_days": whole(desk, form, "credit_days") if is_cashback else 0,
        "parts": whole(desk, form, "parts") if kind is SourceKind.OPEN else 0,
    }


async def _funder(desk: Desk, form: Form) -> UUID | None:
    slug = form.get("funder")
    return next((one.id for one in await desk.shop.catalog.merchants() if slug and one.slug == slug), None)


async def _goods(desk: Desk, form: Form) -> dict[str, list[UUID | str]]:
    """What money is bound to, by short names with commas between them."""
    catalog = desk.shop.catalog
    known: dict[str, dict[str, UUID | str]] = {
        "categories": {one.slug: one.slug for one in await catalog.categories()},
        "brands": {one.slug: one.slug for one in await catalog.brands()},
        "merchants": {one.slug: one.id for one in await catalog.merchants()},
    }
    found: dict[str, list[UUID | str]] = {}
    for field, names_ in known.items():
        words = [word.strip() for word in form.get(field).split(",") if word.strip()]
        for word in words:
            if word not in names_:
                form.wrong(field, desk.say(NO_GOODS, word=word))
        found[field] = sorted({names_[word] for word in words if word in names_}, key=str)
    return found


async def _audience(
    desk: Desk, form: Form, kind: SourceKind, audience: Audience
) -> tuple[tuple[UUID, ...], UUID | None]:
    """The accounts of a list, and the festival whose offers were not used."""
    if kind is not SourceKind.PACKET:
        return (), None
    if audience is Audience.NO_OFFER:
        try:
            return (), decode(FESTIVAL, form.get("festival"))
        except InvalidInput:
            form.wrong("festival", desk.say(NO_FESTIVAL))
            return (), None
    listed: list[UUID] = []
    if audience is Audience.LISTED:
        lines = [line.strip() for line in form.get("addresses").splitlines() if line.strip()][:MAX_LISTED]
        async with desk.shop.database.read() as connection:
            for address in lines:
                found = await account_by_email(connection, normal_email(address)) if address.count("@") == 1 else None
                if found is None:
                    form.wrong("addresses", desk.say(NO_ACCOUNT, address=address[:80]))
                    break
                listed.append(found[0].id)
    return tuple(listed), None
