"""What the menu shows: only what the role may open."""

import msgspec

from nightmarket.entrypoints.pages.words import say_later
from nightmarket.platform.access import Actor, Scope


class Entry(msgspec.Struct, frozen=True):
    """A line of the menu."""

    path: str
    words: str
    icon: str
    scope: Scope
    here: bool = False
    stall: bool = False
    """Only for people of a merchant."""


ENTRIES = (
    Entry("/console", say_later("Overview"), "gauge", Scope.CONSOLE),
    Entry("/console/figures", say_later("Figures"), "chart-column", Scope.ORDERS_READ),
    Entry("/console/selling/goods", say_later("Your goods"), "shopping-bag", Scope.SELLING, stall=True),
    Entry("/console/selling/table", say_later("Prices and stock"), "table-2", Scope.SELLING, stall=True),
    Entry("/console/selling/festival", say_later("Festival"), "calendar-clock", Scope.SELLING, stall=True),
    Entry("/console/selling/figures", say_later("Sales"), "trending-up", Scope.SELLING, stall=True),
    Entry("/console/orders", say_later("Orders"), "package", Scope.ORDERS_READ),
    Entry("/console/stock", say_later("Stock"), "boxes", Scope.STOCK_READ),
    Entry("/console/imports", say_later("Import and export"), "file-up", Scope.CATALOG_WRITE),
    Entry("/console/festival", say_later("Festival"), "calendar-clock", Scope.OFFERS_WRITE),
    Entry("/console/offers", say_later("Offers"), "badge-percent", Scope.OFFERS_READ),
    Entry("/console/coupons", say_later("Coupons"), "ticket-check", Scope.OFFERS_READ),
    Entry("/console/segments", say_later("Groups of shoppers"), "users", Scope.OFFERS_WRITE),
    Entry("/console/booklets", say_later("Booklets"), "stamp", Scope.OFFERS_READ),
    Entry("/console/wallets", say_later("Cashback and red packets"), "wallet", Scope.OFFERS_WRITE),
    Entry("/console/draws", say_later("Prize draws"), "gift", Scope.OFFERS_READ),
    Entry("/console/groups", say_later("Group purchases"), "users", Scope.OFFERS_READ),
    Entry("/console/collaborations", say_later("Joint offers"), "handshake", Scope.OFFERS_READ),
    Entry("/console/presales", say_later("Presales"), "calendar-clock", Scope.OFFERS_READ),
    Entry("/console/surprises", say_later("Surprise prices"), "ticket", Scope.OFFERS_READ),
    Entry("/console/places", say_later("Malls and counters"), "map-pin", Scope.SELLING),
    Entry("/console/samples", say_later("Free samples"), "gift", Scope.SELLING),
    Entry("/console/counter", say_later("At the counter"), "ticket", Scope.SELLING),
    Entry("/console/simulator", say_later("Try on the past"), "flask-conical", Scope.OFFERS_WRITE),
    Entry("/console/guard", say_later("Loss guard"), "shield-alert", Scope.OFFERS_WRITE),
    Entry("/console/selling/stall", say_later("Your stall"), "store", Scope.SELLING, stall=True),
    Entry("/console/selling/places", say_later("Places"), "map-pin", Scope.SELLING, stall=True),
    Entry("/console/merchants", say_later("Merchants"), "store", Scope.MERCHANTS_READ),
    Entry("/console/enquiries", say_later("Enquiries"), "message-circle", Scope.ENQUIRIES_READ),
    Entry("/console/facts", say_later("Facts"), "activity", Scope.FACTS_READ),
    Entry("/console/messages", say_later("Messages"), "mail", Scope.MESSAGES_READ),
    Entry("/console/gates", say_later("Waiting rooms"), "hourglass", Scope.HEALTH_READ),
    Entry("/console/claims", say_later("Other shops"), "plug", Scope.HEALTH_READ),
    Entry("/console/jobs", say_later("Jobs"), "list-checks", Scope.JOBS_READ),
    Entry("/console/health", say_later("Health"), "heart-pulse", Scope.HEALTH_READ),
    Entry("/console/audit", say_later("Audit"), "shield-check", Scope.HEALTH_READ),
    Entry("/console/rehearsals", say_later("Rehearsals"), "drama", Scope.REHEARSAL),
    Entry("/console/range/categories", say_later("Range"), "folder-tree", Scope.CONTENT_READ),
    Entry("/console/texts", say_later("Texts"), "file-text", Scope.CONTENT_READ),
    Entry("/console/people", say_later("People"), "users", Scope.ACCOUNTS_READ),
    Entry("/console/keys", say_later("API keys"), "key-round", Scope.ACCOUNTS_READ),
    Entry("/console/deeds", say_later("Who did what"), "history", Scope.ACCOUNTS_READ),
)


BESIDE = {"/console/selling/costs": "/console/selling/table"}
"""Pages that lie beside an entry, not under it."""


def menu_of(actor: Actor, path: str) -> list[Entry]:
    """The entries that this actor may open; the one that `path` lies under is marked."""
    path = BESIDE.get(path, path)
    here = max(
        (entry.path for entry in ENTRIES if path == entry.path or path.startswith(f"{entry.path}/")),
        key=len,
        default="",
    )
    if not actor.may(Scope.CONSOLE):
        return []
    return [msgspec.structs.replace(entry, here=entry.path == here) for entry in ENTRIES if _shows(entry, actor)]


def _shows(entry: Entry, actor: Actor) -> bool:
    return actor.may(entry.scope) and (actor.merchant_id is not None or not entry.stall)
