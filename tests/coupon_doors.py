"""Who may open the doors of coupons and booklets; `door_rules` takes them in."""

READERS = frozenset({"operator", "merchant", "marketer", "service"})
WRITERS = frozenset({"operator", "marketer"})
SELLERS = frozenset({"operator", "merchant"})

CONSOLE: dict[str, frozenset[str]] = {
    "GET /console/coupons": READERS,
    "GET /console/coupons/new": WRITERS,
    "POST /console/coupons/new": WRITERS,
    "GET /console/coupons/{id}": READERS,
    "GET /console/coupons/{id}/codes.csv": WRITERS,
    "POST /console/coupons/{id}/end": WRITERS,
    "GET /console/selling/coupons/new": SELLERS,
    "POST /console/selling/coupons/new": SELLERS,
    "GET /console/selling/coupons/{id}/codes.csv": SELLERS,
    "POST /console/selling/coupons/{id}/end": SELLERS,
    "GET /console/segments": WRITERS,
    "POST /console/segments": WRITERS,
    "GET /console/segments/new": WRITERS,
    "POST /console/segments/new": WRITERS,
    "GET /console/segments/{id}": WRITERS,
    "POST /console/segments/{id}": WRITERS,
    "POST /console/segments/{id}/end": WRITERS,
    "GET /console/booklets": READERS,
    "GET /console/booklets/new": WRITERS,
    "POST /console/booklets/new": WRITERS,
}

OPEN = (
    "GET /coupons",
    "POST /coupons/collect",
    "GET /booklets/{id}",
    "POST /booklets/{id}/stamps",
)

FORMS: dict[str, dict[str, str]] = {
    "POST /console/coupons/new": {
        "once": "cpn_00000000000000000000000001",
        "name_en": "Test coupon",
        "way": "open",
        "effect": "percent",
        "percent": "10",
        "currency": "EUR",
        "quota": "5",
        "uses": "1",
        "collect_from": "2030-11-01T00:00",
        "collect_until": "2030-11-11T00:00",
        "use_from": "2030-11-11T00:00",
        "use_until": "2030-11-12T00:00",
    },
}
