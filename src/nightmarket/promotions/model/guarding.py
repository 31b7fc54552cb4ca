"""When an offer's sales are a loss, or not what was planned. Pure."""

from collections.abc import Iterator

import msgspec

from .offers import Offer

LIMITS = {
    "window_hours": (1, 24 * 31),
    "loss_orders": (1, 1_000_000),
    "redemption_orders": (1, 1_000_000),
    "redemption_factor": (1, 10_000),
}
"""The least and the most of each number of the rules."""

SECONDS_PER_HOUR = 3_600


class Sums(msgspec.Struct, frozen=True):
    """What an offer's sales came to in a currency over the window, and how many orders the current hour has."""

    currency: str
    costed: int
    sold: int
    cost: int
    hour_orders: int


def is_loss(sums: Sums, least_orders: int) -> bool:
    """Whether enough orders' lines with known costs brought less than they cost."""
    return sums.costed >= least_orders and sums.sold < sums.cost


def most_per_hour(offer: Offer, least_orders: int, factor: int) -> int | None:
    """How many orders of an hour are still normal; None where there is no plan to hold them against."""
    if offer.max_uses is None or (offer.code is None and not offer.condition.needs):
        return None
    seconds = max(1, round((offer.ends_at - offer.starts_at).total_seconds()))
    even = -(-offer.max_uses * SECONDS_PER_HOUR * factor // seconds)
    return max(least_orders, even)


def out_of_bounds(numbers: dict[str, int]) -> Iterator[str]:
    """The fields that lie outside their limits."""
    for field, (least, most) in LIMITS.items():
        if not least <= numbers[field] <= most:
            yield field
