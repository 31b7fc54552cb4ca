"""Claims on tallies in memory: all or nothing, in order of arrival, and slices that help each other out."""

from datetime import UTC, datetime
from uuid import UUID

from nightmarket.tally.contract import ClaimRequest, Grant, Ledger, Part
from nightmarket.tally.model import Slice

LANTERNS, CODE = UUID(int=1), UUID(int=2)
NAMES = {LANTERNS: "lanterns", CODE: "uses of the code"}
DEADLINE = datetime(2026, 11, 11, 0, 15, tzinfo=UTC)
WORKER = 0


def main() -> None:
    """Three lanterns, and a code that works four times, counted in two slices; five buyers."""
    lanterns = Slice(LANTERNS, 0, capacity=3, held=0, spent=0)
    code = [Slice(CODE, 0, capacity=1, held=0, spent=0), Slice(CODE, 1, capacity=3, held=0, spent=0)]
    ledger = Ledger([lanterns, *code], {LANTERNS: 1, CODE: 2}, WORKER)
    for number, (wanted, with_code) in enumerate([(1, True), (1, True), (2, True), (1, False), (1, False)], 1):
        parts = (Part(LANTERNS, wanted), *([Part(CODE, 1)] if with_code else []))
        result = ledger.claim(ClaimRequest(UUID(int=100 + number), parts, DEADLINE))
        if isinstance(result, Grant):
            words = "granted"
        else:
            words = "refused, left: " + ", ".join(f"{NAMES[tally]} {left}" for tally, left in result.short.items())
        asked = f"{wanted} {'lantern' if wanted == 1 else 'lanterns'}{' with the code' if with_code else ''}"
        print(f"buyer {number} wants {asked}: {words}")
    for name, row in [("lanterns", lanterns), ("code, slice 0", code[0]), ("code, slice 1", code[1])]:
        print(f"{name}: capacity {row.capacity}, held {row.held}, free {row.free}")


if __name__ == "__main__":
    main()
