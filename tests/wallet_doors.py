"""Who may open the doors of cashback and red packets; `door_rules` takes them in."""

WRITERS = frozenset({"operator", "marketer"})

CONSOLE: dict[str, frozenset[str]] = {
    "GET /console/wallets": WRITERS,
    "GET /console/wallets/new": WRITERS,
    "POST /console/wallets/new": WRITERS,
    "GET /console/wallets/{id}": WRITERS,
    "POST /console/wallets/{id}/end": WRITERS,
}

OPEN = ("GET /packets/{id}", "POST /packets/{id}/open")

FORMS: dict[str, dict[str, str]] = {
    "POST /console/wallets/new": {
        "once": "wms_00000000000000000000000001",
        "kind": "open",
        "name_en": "Test packet",
        "currency": "EUR",
        "budget": "10.00",
        "parts": "5",
        "at_least": "1.00",
        "since": "2030-11-01T00:00",
        "until": "2030-11-11T00:00",
        "spend_from": "2030-11-01T00:00",
        "spend_until": "2030-12-24T00:00",
    },
}
