"""The only folder that knows every implementation: it joins ports to those who fill them."""

from nightmarket.gate.handlers import check_draw

from .joining import DELIVERY
from .opening import FESTIVAL_WAYS, open_shop, published
from .pictures import EMOJI, LibraryPictures, front_end_folder
from .rehearsing import judge, rehearsal, rehearsed
from .shop import CURRENCY, PROVIDER, WALLET, Shop
from .working import HOUSEKEEPING_SECONDS, chores, consumers, drains, jobs, webhook_sender

__all__ = [
    "CURRENCY",
    "DELIVERY",
    "EMOJI",
    "FESTIVAL_WAYS",
    "HOUSEKEEPING_SECONDS",
    "PROVIDER",
    "WALLET",
    "LibraryPictures",
    "Shop",
    "check_published_draw",
    "chores",
    "consumers",
    "drains",
    "front_end_folder",
    "jobs",
    "judge",
    "open_shop",
    "published",
    "rehearsal",
    "rehearsed",
    "webhook_sender",
]

check_published_draw = check_draw
"""What anyone can do with the list of a waiting room's draw, without a shop."""
