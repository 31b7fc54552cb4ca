"""Doors for programs of other shops, and what they send through them."""

KEYED: dict[str, str] = {
    "POST /claims": "claims",
    "GET /claims/{id}": "claims",
    "POST /claims/{id}/settle": "claims",
    "POST /claims/{id}/release": "claims",
    "POST /price": "claims",
    "PUT /stock": "stock:write",
    "GET /stock": "claims",
    "POST /offers": "offers:write",
    "POST /offers/{id}/retire": "offers:write",
}
"""For programs of other shops, with an API key that has the permission; a browser's cookies open none of these."""

ASKED: dict[str, dict[str, object]] = {
    "POST /claims": {"lines": [{"tally": "door"}], "reference": "A"},
    "POST /price": {"currency": "EUR", "lines": [{"item": "a lamp", "unit_price": 100}]},
    "PUT /stock": {"lines": [{"tally": "door", "units": 1}]},
    "POST /offers": {
        "offers": [
            {
                "name": {"en": "A hundredth off"},
                "effect": {"type": "percent", "basis_points": 100},
                "starts_at": "2026-11-11T00:00:00Z",
                "ends_at": "2026-11-12T00:00:00Z",
            }
        ]
    },
}
"""What such a program sends, such that it works for those who may."""
