"""What phases, mechanics and parts of pages are called at the board."""

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.promotions.contract.festivals import PhaseKind
from nightmarket.promotions.contract.switches import BLOCK, MECHANIC, MERCHANT

KINDS = {
    PhaseKind.WARM_UP: say_later("warm-up"),
    PhaseKind.PRESALE: say_later("presale"),
    PhaseKind.DEPOSITS: say_later("deposits"),
    PhaseKind.EVE: say_later("eve"),
    PhaseKind.MIDNIGHT: say_later("midnight"),
    PhaseKind.WAVE: say_later("wave"),
    PhaseKind.ENCORE: say_later("encore"),
}

MECHANICS = {
    "percent": say_later("percentages off"),
    "amount": say_later("amounts off"),
    "fixed": say_later("fixed prices"),
    "nth": say_later("the nth piece for less"),
    "buy_get": say_later("buy some, get some"),
    "bundle": say_later("bundles"),
    "gift": say_later("gifts"),
    "every": say_later("so much off every so much"),
    "tiers": say_later("steps by amount"),
    "free_shipping": say_later("free delivery"),
    "limit": say_later("purchase limits"),
    "coupons": say_later("collecting coupons"),
    "booklets": say_later("collecting stamps"),
    "groups": say_later("group purchases: starting and joining"),
    "presales": say_later("presales: booking"),
    "draws": say_later("prize draws: taking tickets"),
    "surprises": say_later("surprise prices: booking"),
    "samples": say_later("free samples: booking"),
    "packets": say_later("red packets: opening"),
}

BLOCKS = {
    "countdown": say_later("the countdown on every page"),
    "front.rush": say_later("front page: few of a kind"),
    "front.waves": say_later("front page: what opens when"),
    "front.tickets": say_later("front page: offers"),
    "front.brands": say_later("front page: brands"),
    "front.stalls": say_later("front page: stalls"),
    "front.goods": say_later("front page: goods"),
    "product.rivals": say_later("product pages: other stalls"),
    "festival.goods": say_later("festival page: goods"),
}

FLAWS = (
    say_later("Give it a name in English."),
    say_later("A name has at most 80 visible letters."),
    say_later("Choose a time zone such as Europe/Berlin."),
    say_later("Two windows overlap; let one end before the other begins."),
    say_later("This window ends before it starts."),
    say_later("A window lasts at most 120 days; make several."),
    say_later("This phase ends before it starts."),
    say_later("This phase begins outside of its window."),
    say_later("This phase ends after its window."),
    say_later("A festival has at most 12 windows."),
    say_later("A window has at most 40 phases."),
    say_later("Somebody changed this festival in the meantime; look at it again."),
    say_later("A name has 1 to 60 visible letters."),
    say_later("Choose 1 to 100 switches."),
    say_later("This set is applied; take it back first."),
    say_later("There is no such merchant."),
)
"""What promotions refuse, in their words, so that they are translated."""


def switch_words(desk: Desk, key: str, merchants: dict[str, str]) -> str:
    """A switch as a person reads it."""
    kind, _, name = key.partition(":")
    known = {MECHANIC: MECHANICS, BLOCK: BLOCKS}.get(f"{kind}:")
    if known is not None:
        return desk.say(known[name]) if name in known else name
    return merchants.get(name, name) if f"{kind}:" == MERCHANT else key
