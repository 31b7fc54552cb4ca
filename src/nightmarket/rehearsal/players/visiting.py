"""What a shopper does in the shop, from the first page to the answer. Knows pages, the order API, and nothing else."""

import random
from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote_plus

import msgspec

from nightmarket.kernel.ids import derive
from nightmarket.rehearsal.play.brief import Brief, Good, Score, Told
from nightmarket.rehearsal.play.cast import Arrival, Part, chance_of

SESSIONS, CARTS = "/ucp/checkout-sessions", "/ucp/carts"
PATIENCE_SECONDS = 45.0
"""How long a shopper goes on asking for an answer, always with the same key."""
LATE_PATIENCE_SECONDS = 40.0
"""How long one waits for a payment that is under way: the shop itself asks the provider again after 30 s."""
PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 3.0
THINK_SECONDS = (0.05, 0.5)
"""Between two pages; a real shopper takes a hundred times as long, and a rehearsal has minutes."""

MOST_LINES = 4
BOT_CLICKS = 3
"""How often a bot repeats a click, and with how many keys it tries."""
SECOND_TRY, STILL_PAYS = 0.5, 0.8
"""How many try another card after a decline, and how many transfers do come."""

GOOD_CARD, BAD_CARD, LATE_CARD = "success_token", "fail_token", "tok_late"
AGAIN = frozenset({0, 408, 425, 429})


class Reply(msgspec.Struct, frozen=True):
    """An answer of the shop; status 0: the line was lost or nothing came in time."""

    status: int
    body: bytes = b""


class Shop(Protocol):
    """The way into the shop, for one shopper."""

    def page(self, path: str, name: str) -> Reply: ...

    def ask(self, method: str, path: str, body: object, key: str, name: str) -> Reply: ...

    def pause(self, seconds: float) -> None: ...

    def now(self) -> float: ...


class Scores(Protocol):
    """Where it is counted at this moment; the score changes with every report."""

    score: Score


class Answer(msgspec.Struct, frozen=True):
    """What of a checkout a shopper reads."""

    id: str = ""
    status: str = ""
    currency: str = ""
    totals: Sequence[Mapping[str, Any]] = ()
    order: Mapping[str, Any] | None = None
    messages: Sequence[Mapping[str, Any]] = ()
    fulfillment: Mapping[str, Any] | None = None
    code: str = ""

    @property
    def total(self) -> int:
        return next((int(one["amount"]) for one in self.totals if one.get("type") == "total"), 0)

    @property
    def refusal(self) -> str:
        """The code of what stands in the way; empty where nothing does."""
        return next((str(one.get("code", "refused")) for one in self.messages if one.get("type") == "error"), self.code)


class NoAnswer(Exception):
    """The shop was asked until patience ended, and said nothing that could be understood."""


_ANSWER = msgspec.json.Decoder(Answer)


class Visit:
    """One visit of one shopper."""

    def __init__(self, brief: Brief, arrival: Arrival, shop: Shop, scores: Scores) -> None:
        self._brief, self._arrival, self._shop, self._scores = brief, arrival, shop, scores
        part = "filling" if arrival.filling else "visit"
        self._chance = chance_of(brief.seed, arrival.number, part)

    @property
    def shopper(self) -> str:
        return str(self._arrival.number)

    @property
    def _score(self) -> Score:
        return self._scores.score

    def play(self) -> None:
        """All of it. Whatever the shop answers is counted, nothing is raised."""
        try:
            match self._arrival.part:
                case Part.LOOKER:
                    self._browse(self._chance.randint(2, 5))
                case Part.BOT:
                    self._hammer()
                case Part.ABANDONER:
                    self._browse(2)
                    self._cart(self._wanted())
                case Part.EARLY:
                    self._early()
                case part:
                    self._browse(self._chance.randint(1, 3))
                    wanted = self._wanted()
                    self._order(part, wanted, self._cart(wanted))
        except NoAnswer as given_up:
            self._count_error(f"gave up: {given_up}")

    def _early(self) -> None:
        """The cart's key follows from the shopper, so the second visit finds what the first has filled."""
        if self._arrival.filling:
            self._browse(2)
        wanted = self._wanted_by(chance_of(self._brief.seed, self._arrival.number, "cart"))
        cart = self._cart(wanted)
        if not self._arrival.filling:
            self._order(Part.BUYER, wanted, cart)

    def _browse(self, pages: int) -> None:
        """The front page and some others, of which `looks` may leave out any."""
        looks = self._brief.looks
        if looks >= 1 or self._chance.random() < looks:
            self._shop.page("/", "/")
        for _ in range(pages):
            if looks < 1 and self._chance.random() >= looks:
                continue
            self._think()
            good = self._some_good(self._chance)
            look = self._chance.random()
            if look < 0.3 and good.word:
                self._shop.page(f"/search?q={quote_plus(good.word)}", "/search")
            elif look < 0.45 and good.category:
                self._shop.page(f"/categories/{good.category}", "/categories/…")
            else:
                self._shop.page(good.page, "/products/…")

    def _hammer(self) -> None:
        """The same click again and again, then the same with other keys."""
        hot = [(self._brief.goods[0], 1)]
        for number in range(BOT_CLICKS):
            self._order(Part.BOT, hot, None, f"bot {number}", clicks=BOT_CLICKS)

    def _cart(self, wanted: list[tuple[Good, int]]) -> str:
        """A cart with these goods, one after another, as hands fill it; returns its id, empty where it was refused."""
        first = self._checked(self._ask("POST", CARTS, self._body(wanted[:1]), "cart", "POST /carts"))
        if first.id and len(wanted) > 1:
            self._think()
            self._checked(self._ask("PUT", f"{CARTS}/{first.id}", self._body(wanted), "cart", "PUT /carts"))
        return first.id

    def _order(
        self, part: Part, wanted: list[tuple[Good, int]], cart: str | None, key: str = "order", clicks: int = 1
    ) -> None:
        """From the cart, or without one, through the checkout to the last answer."""
        if cart == "":
            return
        body = self._body(wanted, address=True)
        asked = {**body, "cart_id": cart} if cart else body
        answer = self._checked(self._ask("POST", SESSIONS, asked, key, "POST /checkout-sessions"))
        chosen = self._chosen(answer)
        if answer.id and answer.status == "incomplete" and chosen:
            path = f"{SESSIONS}/{answer.id}"
            answer = self._checked(
                self._ask("PUT", path, {**body, "fulfillment": chosen}, key, "PUT /checkout-sessions")
            )
        if answer.status != "ready_for_complete":
            return
        self._think()
        self._score.tried += 1
        for click in range(clicks):
            self._complete(part, f"{SESSIONS}/{answer.id}/complete", key, count=click == 0)

    def _complete(self, part: Part, path: str, key: str, *, count: bool) -> None:
        handler = "transfer" if part is Part.TRANSFER else "testpay"
        card = {Part.DECLINED: BAD_CARD, Part.LATE: LATE_CARD}.get(part, GOOD_CARD)
        answer = self._ask("POST", path, _payment(handler, card), key, "POST /complete")
        if part is Part.DECLINED and answer.refusal == "payment_failed":
            self._refuse(answer.refusal)
            if self._chance.random() >= SECOND_TRY:
                return
            self._think()
            answer = self._ask("POST", path, _payment(handler, GOOD_CARD), f"{key} again", "POST /complete")
        if not count:
            return
        if answer.status == "complete_in_progress":
            self._await_payment(part, path, answer)
        elif answer.order is None:
            self._refuse(answer.refusal or answer.status or "refused")
        else:
            self._tell(part, answer)

    def _tell(self, part: Part, answer: Answer) -> None:
        """Write down that the order was acknowledged; a transfer is placed, and paid later."""
        assert answer.order is not None
        paid = answer.status == "completed" and part is not Part.TRANSFER
        wish = "cancel" if part is Part.CANCELLER else ""
        if part is Part.TRANSFER and self._chance.random() < STILL_PAYS:
            wish = "pay"
        state = "completed" if paid else "complete_in_progress"
        self._score.told.append(Told(str(answer.order["id"]), answer.total, answer.currency, state, wish))
        self._score.placed += 1
        self._score.paid += paid

    def _await_payment(self, part: Part, path: str, answer: Answer) -> None:
        """Ask until the payment is decided; what was acknowledged already is paid by then, else placed and paid."""
        placed = answer.order is not None
        if placed:
            self._tell(part, answer)
        ends = self._shop.now() + LATE_PATIENCE_SECONDS
        while self._shop.now() < ends:
            self._shop.pause(1.0)
            answer = self._ask("GET", path.removesuffix("/complete"), None, "look", "GET /checkout-sessions")
            if answer.status == "complete_in_progress":
                continue
            if answer.order is None:
                self._refuse(answer.refusal or answer.status or "refused")
            elif placed:
                order = str(answer.order["id"])
                self._score.told.append(Told(order, answer.total, answer.currency, "completed", ""))
                self._score.paid += 1
            else:
                self._tell(part, answer)
            return
        self._refuse("payment_undecided")

    def _ask(self, method: str, path: str, body: object, key: str, name: str) -> Answer:
        """Ask until there is an answer that says something. Raises NoAnswer."""
        gives_up, pause, why = self._shop.now() + PATIENCE_SECONDS, PAUSE_SECONDS, ""
        while True:
            secret = str(derive("rehearsal-key", self._brief.run, self._arrival.number, method, key))
            reply = self._shop.ask(method, path, body, secret, name)
            if reply.status < 500 and reply.status not in AGAIN:
                try:
                    return _ANSWER.decode(reply.body)
                except msgspec.MsgspecError:
                    self._count_error("unreadable")
                    raise NoAnswer(f"{reply.status}, not to be read") from None
            why = str(reply.status or "line lost")
            self._count_error(why)
            if self._shop.now() > gives_up:
                raise NoAnswer(why)
            self._shop.pause(pause * self._chance.uniform(0.5, 1.0))
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def _checked(self, answer: Answer) -> Answer:
        """Count what stands in the way of an order that is not asked for yet; a delivery not chosen is none."""
        refusal = answer.refusal
        if refusal and refusal not in ("delivery_missing", "missing"):
            self._refuse(refusal)
        return answer

    def _refuse(self, code: str) -> None:
        self._score.refused[code] = self._score.refused.get(code, 0) + 1

    def _count_error(self, what: str) -> None:
        self._score.errors[what] = self._score.errors.get(what, 0) + 1

    def _think(self) -> None:
        self._shop.pause(self._chance.uniform(*THINK_SECONDS))

    def _wanted(self) -> list[tuple[Good, int]]:
        return self._wanted_by(self._chance)

    def _wanted_by(self, chance: random.Random) -> list[tuple[Good, int]]:
        """One to four articles, mostly of several merchants, mostly one of each."""
        found: dict[str, tuple[Good, int]] = {}
        for _ in range(chance.choices(range(1, MOST_LINES + 1), (40, 35, 15, 10))[0]):
            good = self._some_good(chance)
            found.setdefault(good.item, (good, 2 if chance.random() < 0.1 else 1))
        return list(found.values())

    def _some_good(self, chance: random.Random) -> Good:
        """The hottest most often: the rank grows with the third power of chance."""
        goods = self._brief.goods
        return goods[min(len(goods) - 1, int(len(goods) * chance.random() ** 3))]

    def _body(self, wanted: list[tuple[Good, int]], *, address: bool = False) -> dict[str, Any]:
        body: dict[str, Any] = {
            "line_items": [{"item": {"id": good.item}, "quantity": units} for good, units in wanted],
            "context": {"currency": self._brief.currency, "language": "en"},
        }
        if address:
            number = self.shopper
            email = f"rehearsal-{number}@example.com"
            body["buyer"] = {"email": email, "first_name": "Rehearsal", "last_name": number}
            body["fulfillment"] = {"methods": [_method(self._brief.country)]}
        return body

    def _chosen(self, answer: Answer) -> dict[str, Any]:
        """The first way of delivery of each merchant; empty where nothing has to be chosen."""
        methods: Sequence[Mapping[str, Any]] = (answer.fulfillment or {}).get("methods") or ()
        groups = [
            {"id": group["id"], "selected_option_id": group["options"][0]["id"]}
            for method in methods
            for group in method.get("groups") or ()
            if group.get("options")
        ]
        return {"methods": [{**_method(self._brief.country), "groups": groups}]} if groups else {}


def _method(country: str) -> dict[str, Any]:
    home = {
        "id": "home",
        "street_address": "Lampengasse 1",
        "address_locality": "Nachtstadt",
        "address_country": country,
        "postal_code": "11111",
    }
    return {"type": "shipping", "destinations": [home], "selected_destination_id": "home"}


def _payment(handler: str, token: str) -> dict[str, Any]:
    kind = "bank_transfer" if handler == "transfer" else "card"
    instrument = {
        "id": "chosen",
        "handler_id": handler,
        "type": kind,
        "credential": {"type": "token", "token": token},
        "selected": True,
    }
    return {"payment": {"instruments": [instrument]}}
