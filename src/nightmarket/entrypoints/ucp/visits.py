"""Places that the buyer of a cart or checkout visits, told by the agent: it hands in what the QR codes there say.

An agent is one owner with many buyers, so a visit is noted for its cart or checkout alone, whose body names the
visitor.
"""

from uuid import UUID

from nightmarket.bootstrap import Shop
from nightmarket.kernel.ids import derive
from nightmarket.kernel.languages import pick
from nightmarket.kernel.problems import InvalidInput, Kind, Problem
from nightmarket.promotions.contract.places import MAX_VISITS, Place
from nightmarket.promotions.errors import PlaceNotFound

from .festival_wire import FestivalEcho, FestivalRequest, Visited

MAX_LETTERS = 300


class PlaceCodeRefused(Problem):
    """What an agent handed in is no place's code, or one that was replaced."""

    code = "place_code_refused"
    kind = Kind.UNPROCESSABLE


async def visited(
    shop: Shop, session: tuple[UUID, str], asked: FestivalRequest, language: str
) -> tuple[UUID | None, FestivalEcho]:
    """Note the visits; returns the visitor that the body is to name, and what to answer. `session` are the owner, and
    what its cart or checkout is made or known by. The same codes are the same visitor again: twice is once.

    Raises PlaceCodeRefused, and then nothing is noted.
    """
    if len(asked.visits) > MAX_VISITS:
        raise InvalidInput(f"A buyer is at {MAX_VISITS} places at most.", field="festival.visits")
    tokens = [one[:MAX_LETTERS].rpartition("/")[2] for one in asked.visits]
    if not tokens:
        return None, FestivalEcho([])
    visitor = derive("visitor", *session, *sorted(tokens))
    told: dict[UUID, Visited] = {}
    async with shop.database.transaction() as tx:
        for number, token in enumerate(tokens):
            try:
                place = await shop.places.with_code(tx, token)
            except PlaceNotFound as unknown:
                raise PlaceCodeRefused(unknown.detail, field=f"festival.visits[{number}]") from None
            until = await shop.places.visit(tx, place, visitor)
            told[place.id] = Visited(place.terms.slug, title_of(place, language), until)
    return visitor, FestivalEcho(list(told.values()))


async def visits_of(shop: Shop, visitor: UUID | None, language: str) -> list[Visited]:
    """The places at which a visitor is."""
    if visitor is None:
        return []
    async with shop.database.read() as connection:
        found = await shop.places.visits(connection, visitor)
    return [Visited(place.terms.slug, title_of(place, language), until) for place, until in found]


def title_of(place: Place, language: str) -> str:
    return pick(place.terms.name, language) or place.terms.slug
