"""What can be taken part in, of every mechanic that has something to tell agents.

A mechanic of its own adds a function to SOURCES: it reads the shop and returns what is open or comes, in a language.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from nightmarket.bootstrap import Shop
from nightmarket.catalog.contract import MerchantState
from nightmarket.gate.contract import ROOM, Guards, RoomState
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import pick
from nightmarket.payments.contract.wallets import SOURCE, SourceKind
from nightmarket.promotions.contract import AmountOff, FreeShipping, PercentOff
from nightmarket.promotions.contract.coupons import COUPON, Coupon
from nightmarket.promotions.contract.draws import DRAW, DrawState
from nightmarket.promotions.contract.groups import GROUP_OFFER
from nightmarket.promotions.contract.presales import PRESALE, STANDING, back_when_unpaid
from nightmarket.promotions.contract.surprises import SURPRISE, SurpriseState

from .festival_wire import Happening

Source: TypeAlias = Callable[[Shop, str], Awaitable[Sequence[Happening]]]

MOST_HAPPENINGS = 200
"""Of one source."""


async def draws(shop: Shop, language: str) -> Sequence[Happening]:
    """Draws that have not been drawn, with how their ticket list is proven."""
    async with shop.database.read() as connection:
        found = await shop.draws.all(connection)
    return [
        Happening(
            kind="draw",
            id=encode(DRAW, one.id),
            title=pick(one.terms.name, language) or "Draw",
            state=one.state.value,
            url=f"{shop.settings.address}/draws/{encode(DRAW, one.id)}",
            opens_at=one.terms.opens_at,
            closes_at=one.terms.closes_at,
            currency=one.terms.currency,
            terms={"prizes": one.terms.units, "budget": one.terms.budget, "seed_sha256": one.seed_hash.hex()},
        )
        for one in found
        if one.state in (DrawState.OPEN, DrawState.CLOSED)
    ]


async def surprises(shop: Shop, language: str) -> Sequence[Happening]:
    """Prices that were fixed and are not told yet: the hash that they are held to, and the digits that are shown."""
    async with shop.database.read() as connection:
        found = await shop.surprises.all(connection)
    secret = [one for one in found if one.state in (SurpriseState.SEALED, SurpriseState.EARLY)]
    cards = {card.product: card for card in await shop.catalog.cards_of([one.terms.product for one in secret])}
    return [
        Happening(
            kind="surprise_price",
            id=encode(SURPRISE, one.id),
            title=(pick(card.title, language) if (card := cards.get(one.terms.product)) else None) or "Surprise price",
            state=one.state.value,
            url=f"{shop.settings.address}/surprises/{encode(SURPRISE, one.id)}",
            opens_at=one.terms.reveal_at,
            closes_at=one.terms.ends_at,
            currency=one.terms.currency,
            items=[encode("var", variant) for variant in one.terms.variants],
            terms={"mask": one.terms.mask, "commitment_sha256": one.commitment.hex()},
        )
        for one in secret
    ]


async def waiting_rooms(shop: Shop, _: str) -> Sequence[Happening]:
    """Rooms in which people queue: where a ticket is drawn, and how many are let in a minute."""
    return [
        Happening(
            kind="waiting_room",
            id=encode(ROOM, room.id),
            title=room.name,
            state=shop.gates.state(room).value,
            url=f"{shop.settings.address}/gate/{encode('gate', room.id)}",
            opens_at=room.opens_at,
            items=[encode("var", variant) for variant in sorted(room.variants)],
            terms={"gathers_at": room.gathers_at.isoformat(), "pass_minutes": room.pass_minutes},
        )
        for room in shop.gates.rooms()
        if room.guards is not Guards.OUTSIDE and shop.gates.state(room) is not RoomState.OVER
    ]


async def presales(shop: Shop, language: str) -> Sequence[Happening]:
    """Presales that take bookings or will: what is paid now and later, and what becomes of an unpaid balance."""
    now = shop.clock.now()
    async with shop.database.read() as connection:
        found = await shop.presales.running(connection, now, MOST_HAPPENINGS)
        counts = await shop.presales.counts(connection, [one.id for one in found])
    cards = {card.product: card for card in await shop.catalog.cards_of([one.terms.product for one in found])}
    told: list[Happening] = []
    for one in found:
        terms, card = one.terms, cards.get(one.terms.product)
        taken = sum(counts.get(one.id, {}).get(state, 0) for state in STANDING)
        told.append(
            Happening(
                kind="presale",
                id=encode(PRESALE, one.id),
                title=(pick(card.title, language) if card else None) or "Presale",
                state="open" if one.takes_bookings(now) else "planned",
                url=f"{shop.settings.address}/presales/{encode(PRESALE, one.id)}",
                opens_at=terms.opens_at,
                closes_at=terms.closes_at,
                currency=terms.currency,
                items=[encode("var", terms.variant)],
                terms={
                    "price": terms.price,
                    "deposit": terms.deposit,
                    "deposit_counts_for": terms.counts_for,
                    "balance": terms.balance,
                    "balance_from": terms.balance_from.isoformat(),
                    "balance_until": terms.balance_until.isoformat(),
                    "best_price_until": terms.ends_at.isoformat(),
                    "if_unpaid": terms.rule.value,
                    "back_if_unpaid": back_when_unpaid(terms, None),
                    "places_left": max(0, terms.units - taken),
                },
            )
        )
    return told


async def groups(shop: Shop, language: str) -> Sequence[Happening]:
    """Goods that groups may be started for: each tier's people and basis points off, and how long a group gathers.
    Groups themselves are told by their link only."""
    now = shop.clock.now()
    async with shop.database.read() as connection:
        found = [one for one in await shop.groups.offers(connection, None, MOST_HAPPENINGS) if one.is_live(now)]
    cards = {card.product: card for card in await shop.catalog.cards_of([one.terms.product for one in found])}
    told: list[Happening] = []
    for one in found:
        card, terms = cards.get(one.terms.product), one.terms
        tiers: dict[str, str | int | bool] = {
            f"basis_points_off_from_{tier.people}": tier.basis_points for tier in terms.tiers
        }
        told.append(
            Happening(
                kind="group",
                id=encode(GROUP_OFFER, one.id),
                title=(pick(card.title, language) if card else None) or "Group purchase",
                state="open",
                url=f"{shop.settings.address}/group-offers/{encode(GROUP_OFFER, one.id)}",
                opens_at=one.made_at,
                closes_at=terms.ends_at,
                items=[encode("var", variant) for variant in terms.variants],
                terms={"gather_hours": terms.gather_hours, "seats": terms.seats, **tiers},
            )
        )
    return told


async def coupons(shop: Shop, language: str) -> Sequence[Happening]:
    """Coupons that anybody may collect now or soon, while there are some: what they take off where that is a number,
    from when and until when they are used, and how many are left."""
    now = shop.clock.now()
    sellers = [one.id for one in await shop.catalog.merchants() if one.state == MerchantState.OPEN]
    async with shop.database.read() as connection:
        found = (await shop.coupons.on_show(connection, None, sellers))[:MOST_HAPPENINGS]
        figures = await shop.coupons.figures(connection, [one.id for one in found])
    return [
        Happening(
            kind="coupon",
            id=encode(COUPON, one.id),
            title=pick(one.terms.name, language) or "Coupon",
            state="open" if one.terms.collect_from <= now else "planned",
            url=f"{shop.settings.address}/coupons",
            opens_at=one.terms.collect_from,
            closes_at=one.terms.collect_until,
            terms={
                "use_from": one.terms.use_from.isoformat(),
                "use_until": one.terms.use_until.isoformat(),
                "orders": one.terms.uses,
                "left": figures[one.id].quota - figures[one.id].held,
                **_takes_off(one),
            },
        )
        for one in found
        if figures[one.id].quota > figures[one.id].held
    ]


def _takes_off(coupon: Coupon) -> dict[str, str | int | bool]:
    effect, least = coupon.terms.effect, coupon.terms.condition.at_least
    found: dict[str, str | int | bool] = {f"at_least_{currency}": amount for currency, amount in least.items()}
    if isinstance(effect, PercentOff):
        found["basis_points_off"] = effect.basis_points
    elif isinstance(effect, AmountOff):
        found |= {f"off_{currency}": amount for currency, amount in effect.amounts.items()}
    elif isinstance(effect, FreeShipping):
        found["free_delivery"] = True
    return found


async def cashback(shop: Shop, language: str) -> Sequence[Happening]:
    """What orders of people with an account earn now or soon: which of an agent's orders are theirs stands in
    docs/explanation/the-festival-for-agents.md."""
    now = shop.clock.now()
    async with shop.database.read() as connection:
        found = await shop.wallets.sources(connection)
    told: list[Happening] = []
    for one in found:
        terms, money = one.terms, one.terms.money
        if terms.kind is not SourceKind.CASHBACK or one.ended_at is not None or terms.until <= now:
            continue
        limits = {"at_least": terms.at_least, "most_per_order": terms.per_order, "most_per_account": terms.per_account}
        gives = {"basis_points": terms.basis_points} if terms.basis_points else {"amount": terms.amount}
        told.append(
            Happening(
                kind="cashback",
                id=encode(SOURCE, one.id),
                title=pick(money.name, language) or "Cashback",
                state="open" if one.is_open(now) else "planned",
                url=f"{shop.settings.address}/account/wallet",
                opens_at=terms.since,
                closes_at=terms.until,
                currency=money.currency,
                terms={
                    **gives,
                    **{name: amount for name, amount in limits.items() if amount},
                    **({"merchant": encode("mer", money.funder)} if money.funder else {}),
                    "credit_days": terms.credit_days,
                    "spend_from": money.spend_from.isoformat(),
                    "spend_until": money.spend_until.isoformat(),
                },
            )
        )
    return told


SOURCES: tuple[Source, ...] = (draws, surprises, waiting_rooms, presales, groups, coupons, cashback)


async def happenings(shop: Shop, language: str) -> list[Happening]:
    """All of them, source by source."""
    return [one for source in SOURCES for one in (await source(shop, language))[:MOST_HAPPENINGS]]
