"""The visitor's cart: a UCP cart session of the order desk, found again by a cookie.

The cookie says the cart's number, its id and how many units are in it. The session's key follows from the number, so
that two first clicks at once fill one cart; a cart that has closed or expired is followed by the next number. Whose
cart it is, the desk checks by owner: a cookie taken from elsewhere opens nothing. An account counts its carts the same
way on every device, so that all of them find the same one, with or without a cookie.
"""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import msgspec

from nightmarket.bootstrap import CURRENCY
from nightmarket.entrypoints.pages import Site, Visit
from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.languages import DEFAULT_LANGUAGE
from nightmarket.kernel.problems import InvalidInput
from nightmarket.orders.contract import (
    LineInput,
    OrderRow,
    SessionInput,
    SessionKind,
    SessionState,
    SessionView,
    cart_key,
)
from nightmarket.orders.errors import SessionBusy, SessionClosed, SessionNotFound

COOKIE = "nightmarket_cart"
COOKIE_LIFE = timedelta(days=30)
EMPTY = SessionInput(lines=(), currency=CURRENCY, language=DEFAULT_LANGUAGE)
"""What every cart begins as, so that beginning it twice is the same request."""

OPEN = (SessionState.INCOMPLETE, SessionState.READY)
CARTS_TRIED = 64
"""How many closed carts of an account are skipped on a device that knows none: years of carts left to expire."""

TRIES = 8
"""How often a change is tried again when another window changed the cart, and how many closed carts are skipped."""

Edit = Callable[[SessionInput], SessionInput]


class CartCookie(msgspec.Struct, frozen=True):
    """What the browser remembers of its cart."""

    number: int = 0
    id: UUID | None = None
    units: int = 0

    @classmethod
    def read(cls, text: str) -> "CartCookie":
        """From a cookie; one that is not ours counts as none."""
        number, _, rest = text.partition("-")
        id, _, units = rest.partition("-")
        if not (_small(number) and _small(units)):
            return cls()
        try:
            return cls(int(number), decode("cart", f"cart_{id}"), int(units))
        except InvalidInput:
            return cls()

    def written(self) -> str:
        id = encode("cart", self.id).removeprefix("cart_") if self.id else ""
        return f"{self.number}-{id}-{self.units}"


def _small(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 7


def input_of(view: SessionView, language: str) -> SessionInput:
    """The whole of a session as its owner would send it again."""
    body = view.body
    return SessionInput(
        lines=tuple(LineInput(line.variant, line.quantity, line.id) for line in body.lines),
        currency=body.currency,
        language=language,
        contact=body.contact,
        destination=body.destination,
        options={UUID(merchant): option for merchant, option in body.options.items()},
        codes=body.codes,
        cart=body.cart,
        seat=body.seat,
        declined=body.declined,
    )


def units_of(view: SessionView) -> int:
    return sum(line.quantity for line in view.body.lines)


class Carts:
    """Reads and changes the cart of a visit."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._orders = site.shop.orders

    def cookie(self, visit: Visit) -> CartCookie:
        """What the browser says; after a session has ended by itself it speaks of another's cart."""
        if visit.caller.session_ended:
            return CartCookie()
        return CartCookie.read(visit.cookies.get(COOKIE, ""))

    def units(self, visit: Visit) -> int:
        """How many units the head of a page shows; asks the cookie, not the database."""
        return self.cookie(visit).units

    async def read(self, visit: Visit) -> SessionView | None:
        """The cart as it stands, if there is one that can still be changed; an account always has one."""
        cookie = self.cookie(visit)
        view = await self._open(visit, cookie.id) if cookie.id else None
        if view is None:
            return await self._begin(visit, CARTS_TRIED) if visit.account is not None else None
        if units_of(view) != cookie.units:
            self._remember(visit, CartCookie(cookie.number, view.id, units_of(view)))
        return view

    async def _open(self, visit: Visit, id: UUID) -> SessionView | None:
        try:
            view = await self._orders.get(visit.owner, SessionKind.CART, id)
        except SessionNotFound:
            return None
        is_current = self._site.as_of is not None or view.expires_at > self._site.shop.clock.now()
        return view if view.state in OPEN and is_current else None

    async def move_in(self, visit: Visit, account: UUID) -> None:
        """Let the visit go on with the account's cart; what the guest had put into theirs comes along.

        The guest's cart is changed in the same transaction, so that doing this twice moves everything once.
        """
        guest, before = visit.caller.guest_id, self.cookie(visit)
        if guest is not None:
            async with self._site.shop.database.transaction() as tx:
                await self._site.shop.places.move(tx, guest, account)
        visit.owner = account
        visit.cookies.pop(COOKIE, None)
        view = await self._begin(visit, CARTS_TRIED)
        if guest is not None and before.id is not None:
            number = self.cookie(visit).number
            view = await self._orders.merge_carts(account, view.id, guest, before.id)
            self._remember(visit, CartCookie(number, view.id, units_of(view)))

    def leave(self, visit: Visit) -> None:
        """Let the browser know no cart."""
        visit.cookies.pop(COOKIE, None)
        self._owe(visit, self._site.cookies.drop(COOKIE))

    async def change(self, visit: Visit, edit: Edit) -> SessionView:
        """Apply the edit to the cart as it is now, again if another window was quicker; begins a cart if need be."""
        for _ in range(TRIES):
            view = await self.read(visit) or await self._begin(visit)
            wanted = edit(msgspec.structs.replace(input_of(view, visit.language), currency=visit.currency))
            try:
                changed = await self._orders.update(
                    visit.owner, SessionKind.CART, view.id, wanted, if_version=view.version
                )
            except (SessionBusy, SessionClosed):
                continue
            self._remember(visit, CartCookie(self.cookie(visit).number, changed.id, units_of(changed)))
            return changed
        raise SessionBusy("Someone is changing this cart in another window; try again in a moment.")

    async def _begin(self, visit: Visit, tries: int = TRIES) -> SessionView:
        number = self.cookie(visit).number
        for _ in range(tries):
            number += 1
            view = await self._orders.create(visit.owner, SessionKind.CART, cart_key(number), EMPTY)
            if view.state in OPEN and view.expires_at > self._site.shop.clock.now():
                self._remember(visit, CartCookie(number, view.id, units_of(view)))
                return view
        self._remember(visit, CartCookie(number))
        raise SessionBusy("Your earlier carts are closed; load the page again for a new one.")

    async def take_out(self, visit: Visit, rows: tuple[OrderRow, ...]) -> None:
        """What was ordered leaves the cart; what was put in meanwhile stays. So do no words about the buyer."""
        if await self.read(visit) is None:
            return
        ordered = {line.variant: line.quantity for row in rows for line in row.body.lines}

        def without(wanted: SessionInput) -> SessionInput:
            lines = tuple(
                LineInput(line.variant, line.quantity - ordered.get(line.variant, 0), line.id)
                for line in wanted.lines
                if line.quantity > ordered.get(line.variant, 0)
            )
            bare = msgspec.structs.replace(wanted, contact=None, destination=None, options={})
            return msgspec.structs.replace(bare, lines=lines, codes=(), declined=())

        await self.change(visit, without)

    def _remember(self, visit: Visit, cookie: CartCookie) -> None:
        text = cookie.written()
        visit.cookies[COOKIE] = text
        self._owe(visit, self._site.cookies.keep(COOKIE, text, COOKIE_LIFE))

    def _owe(self, visit: Visit, header: tuple[bytes, bytes]) -> None:
        name = f"{COOKIE}=".encode()
        visit.owed[:] = [pair for pair in visit.owed if not pair[1].startswith(name)]
        visit.owed.append(header)
