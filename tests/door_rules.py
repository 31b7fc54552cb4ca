"""Who may open which door of the application, and what the forms behind them say."""

EVERYONE = frozenset({"operator", "merchant", "marketer", "service", "picker", "shopper", "agent", "guest"})
STAFF = frozenset({"operator", "merchant", "marketer", "service", "picker"})
OPERATOR = frozenset({"operator"})
ORDER_READERS = frozenset({"operator", "merchant", "service"})
ORDER_WRITERS = frozenset({"operator", "service"})
STOCK_WRITERS = frozenset({"operator", "merchant", "picker"})
OFFER_READERS = frozenset({"operator", "merchant", "marketer", "service"})
OFFER_WRITERS = frozenset({"operator", "marketer"})
MESSAGE_READERS = frozenset({"operator", "marketer", "service"})
JOB_READERS = frozenset({"operator", "merchant"})
SELLERS = frozenset({"operator", "merchant"})
"""Operators pass the door, and find nothing behind it: these pages are about the asker's own stall."""

WRITERS_OF_WORDS = frozenset({"operator", "marketer"})
IMPORTERS = frozenset({"operator", "merchant"})

CONSOLE: dict[str, frozenset[str]] = {
    "GET /console": STAFF,
    "GET /console/board": STAFF,
    "GET /console/live": STAFF,
    "GET /console/orders": ORDER_READERS,
    "GET /console/orders/rows": ORDER_READERS,
    "GET /console/orders.csv": ORDER_READERS,
    "GET /console/orders/{id}": ORDER_READERS,
    "GET /console/orders/{id}/cancel": ORDER_WRITERS,
    "POST /console/orders/{id}/cancel": ORDER_WRITERS,
    "GET /console/orders/{id}/transferred": OPERATOR,
    "POST /console/orders/{id}/transferred": OPERATOR,
    "GET /console/stock": STAFF,
    "GET /console/stock.csv": STAFF,
    "GET /console/stock/{id}": STAFF,
    "POST /console/stock/{id}": STOCK_WRITERS,
    "GET /console/offers": OFFER_READERS,
    "GET /console/offers/new": OFFER_WRITERS,
    "POST /console/offers/new": OFFER_WRITERS,
    "GET /console/offers/{id}/retire": OFFER_WRITERS,
    "POST /console/offers/{id}/retire": OFFER_WRITERS,
    "GET /console/merchants": OPERATOR,
    "GET /console/facts": OPERATOR,
    "GET /console/messages": MESSAGE_READERS,
    "GET /console/messages/inbox": MESSAGE_READERS,
    "GET /console/messages/webhooks": MESSAGE_READERS,
    "POST /console/messages/webhooks/{id}/again": OPERATOR,
    "GET /console/messages/{id}": MESSAGE_READERS,
    "POST /console/messages/{id}/retry": OPERATOR,
    "GET /console/jobs": JOB_READERS,
    "GET /console/jobs/rows": JOB_READERS,
    "POST /console/jobs/cancel": OPERATOR,
    "GET /console/health": OPERATOR,
    "GET /console/audit": OPERATOR,
    "POST /console/audit": OPERATOR,
    "GET /console/deeds": OPERATOR,
    "GET /console/imports": IMPORTERS,
    "POST /console/imports": IMPORTERS,
    "GET /console/imports/export": IMPORTERS,
    "GET /console/imports/{id}": IMPORTERS,
    "GET /console/imports/{id}/progress": IMPORTERS,
    "GET /console/imports/{id}/refused.csv": IMPORTERS,
    "POST /console/imports/{id}": IMPORTERS,
    "POST /console/imports/{id}/stop": IMPORTERS,
    "GET /console/gates": OPERATOR,
    "GET /console/gates/new": OPERATOR,
    "POST /console/gates/new": OPERATOR,
    "GET /console/gates/{id}": OPERATOR,
    "POST /console/gates/{id}": OPERATOR,
    "GET /console/crowd": OPERATOR,
    "GET /console/crowd/live": OPERATOR,
    "POST /console/crowd": OPERATOR,
    "POST /console/crowd/away": OPERATOR,
    "POST /console/crowd/kill": OPERATOR,
    "GET /console/range/categories": WRITERS_OF_WORDS,
    "GET /console/range/categories/new": WRITERS_OF_WORDS,
    "POST /console/range/categories/new": WRITERS_OF_WORDS,
    "GET /console/range/categories/{slug}": WRITERS_OF_WORDS,
    "POST /console/range/categories/{slug}": WRITERS_OF_WORDS,
    "GET /console/range/brands": WRITERS_OF_WORDS,
    "GET /console/range/brands/new": WRITERS_OF_WORDS,
    "POST /console/range/brands/new": WRITERS_OF_WORDS,
    "GET /console/range/brands/{slug}": WRITERS_OF_WORDS,
    "POST /console/range/brands/{slug}": WRITERS_OF_WORDS,
    "GET /console/range/attributes": WRITERS_OF_WORDS,
    "GET /console/range/attributes/new": WRITERS_OF_WORDS,
    "POST /console/range/attributes/new": WRITERS_OF_WORDS,
    "GET /console/range/attributes/{slug}": WRITERS_OF_WORDS,
    "POST /console/range/attributes/{slug}": WRITERS_OF_WORDS,
    "GET /console/range/size-charts": WRITERS_OF_WORDS,
    "GET /console/range/size-charts/new": WRITERS_OF_WORDS,
    "POST /console/range/size-charts/new": WRITERS_OF_WORDS,
    "GET /console/range/size-charts/{slug}": WRITERS_OF_WORDS,
    "POST /console/range/size-charts/{slug}": WRITERS_OF_WORDS,
    "GET /console/figures": ORDER_READERS,
    "GET /console/figures.csv": ORDER_READERS,
    "GET /console/enquiries": ORDER_READERS,
    "GET /console/enquiries/{id}": ORDER_READERS,
    "POST /console/enquiries/{id}": ORDER_READERS,
    "GET /console/texts": WRITERS_OF_WORDS,
    "GET /console/texts/new": WRITERS_OF_WORDS,
    "POST /console/texts/new": WRITERS_OF_WORDS,
    "GET /console/texts/{slug}": WRITERS_OF_WORDS,
    "POST /console/texts/{slug}": WRITERS_OF_WORDS,
    "GET /console/people": OPERATOR,
    "GET /console/people.csv": OPERATOR,
    "POST /console/people": OPERATOR,
    "GET /console/people/new": OPERATOR,
    "POST /console/people/new": OPERATOR,
    "GET /console/people/{id}": OPERATOR,
    "POST /console/people/{id}/role": OPERATOR,
    "POST /console/people/{id}/password": OPERATOR,
    "GET /console/keys": OPERATOR,
    "POST /console/keys": OPERATOR,
    "POST /console/keys/{id}/revoke": OPERATOR,
    "GET /console/me": STAFF,
    "POST /console/me": STAFF,
    "GET /console/selling": SELLERS,
    "GET /console/selling/goods": SELLERS,
    "GET /console/selling/goods.csv": SELLERS,
    "POST /console/selling/goods": SELLERS,
    "POST /console/selling/goods/prices": SELLERS,
    "POST /console/selling/goods/prices/change": SELLERS,
    "GET /console/selling/goods/new": SELLERS,
    "POST /console/selling/goods/new": SELLERS,
    "GET /console/selling/goods/{id}": SELLERS,
    "POST /console/selling/goods/{id}": SELLERS,
    "GET /console/selling/goods/{id}/preview": SELLERS,
    "POST /console/selling/goods/{id}/copy": SELLERS,
    "GET /console/selling/goods/{id}/history": SELLERS,
    "POST /console/selling/goods/{id}/history": SELLERS,
    "GET /console/selling/table": SELLERS,
    "POST /console/selling/table": SELLERS,
    "GET /console/selling/places": SELLERS,
    "POST /console/selling/places": SELLERS,
    "GET /console/selling/stall": SELLERS,
    "POST /console/selling/stall": SELLERS,
    "GET /console/selling/figures": SELLERS,
    "GET /console/selling/figures.csv": SELLERS,
    "POST /console/merchants": OPERATOR,
    "GET /console/merchants/{id}": OPERATOR,
    "POST /console/merchants/{id}": OPERATOR,
    "POST /console/merchants/{id}/commission": OPERATOR,
}
"""The back office: who may."""

OPEN = frozenset(
    {
        "GET /",
        "GET /goods",
        "GET /search",
        "GET /search/suggest",
        "GET /brands",
        "GET /categories/{slug}",
        "GET /merchants/{slug}",
        "GET /products/{slug}",
        "GET /brands/{slug}",
        "GET /live/stock",
        "GET /cart",
        "POST /cart/lines",
        "POST /cart/lines/{line}",
        "POST /cart/codes",
        "POST /checkout",
        "GET /orders",
        "POST /choices",
        "GET /static/{digest}/{name}",
        "GET /media/{sha256}/{width}",
        "GET /terms",
        "GET /privacy",
        "GET /docs",
        "GET /docs/{path}",
        "GET /docs/openapi.json",
        "GET /.well-known/ucp",
        "POST /ucp/checkout-sessions",
        "POST /ucp/carts",
        "GET /health/live",
        "GET /health/ready",
        "GET /metrics",
        "GET /sell",
        "GET /sell/terms",
        "GET /sell/apply",
        "POST /sell/apply",
        "GET /wishes",
        "POST /wishes",
        "POST /wishes/remove",
        "GET /wishes/back/{slug}",
        "POST /wishes/back/{slug}",
        "POST /wishes/back-off",
        "POST /brands/{slug}/follow",
        "GET /products/{slug}/ask",
        "POST /products/{slug}/ask",
        "GET /products/{slug}/asked",
        "GET /pages/{slug}",
        "GET /gate/{room}",
        "GET /gate/{room}/now",
        "GET /gate/{room}/place",
        "POST /gate/{room}/tickets",
        "POST /gate/{room}/passes",
        "GET /gate/{room}/auth",
        "GET /gate/{room}/forward",
        "GET /gate/{room}/draw",
        "GET /gate/{room}/draw.txt",
        "GET /console/login",
        "GET /account/sign-in",
        "GET /account/sign-up",
        "POST /account/sign-up",
        "GET /account/sign-up/sent",
        "GET /confirm",
        "POST /confirm",
        "POST /confirm/forget",
        "GET /account/forgotten",
        "POST /account/forgotten",
        "GET /account/forgotten/sent",
    }
)
"""For everybody. `/metrics` as long as only this machine can reach the shop."""

OWN = frozenset(
    {
        "GET /checkout/{id}",
        "POST /checkout/{id}",
        "POST /checkout/{id}/review",
        "GET /orders/{id}",
        "GET /orders/{id}/cancel",
        "POST /orders/{id}/cancel",
        "GET /ucp/checkout-sessions/{id}",
        "PUT /ucp/checkout-sessions/{id}",
        "POST /ucp/checkout-sessions/{id}/complete",
        "POST /ucp/checkout-sessions/{id}/cancel",
        "POST /ucp/checkout-sessions/{id}/confirmations",
        "POST /ucp/checkout-sessions/{id}/confirmations/{confirmation}",
        "GET /ucp/carts/{id}",
        "PUT /ucp/carts/{id}",
        "POST /ucp/carts/{id}/cancel",
        "GET /ucp/orders/{id}",
    }
)
"""For the one whom it belongs to; nobody else learns that it exists."""

SECRETS = frozenset(
    {
        "POST /console/login",
        "POST /console/logout",
        "POST /webhooks/payments/testpay",
        "GET /order-webhook",
        "PUT /order-webhook",
        "DELETE /order-webhook",
        "POST /account/sign-in",
        "POST /account/sign-out",
        "GET /confirm/code",
        "POST /confirm/code",
        "GET /account/sign-up/confirm",
        "POST /account/sign-up/confirm",
        "GET /account/reset",
        "POST /account/reset",
        "GET /account/email/confirm",
        "POST /account/email/confirm",
        "GET /account/email/change",
        "POST /account/email/change",
        "GET /orders/{id}/look",
    }
)
"""For those who know a password or a link, have a session to end, or can sign; each has its own test."""

ACCOUNT = frozenset(
    {
        "GET /account",
        "GET /account/security",
        "POST /account/name",
        "POST /account/email",
        "POST /account/email/ask",
        "POST /account/password",
        "POST /account/sessions/end",
        "POST /account/sessions/{id}/end",
        "POST /account/sign-out-everywhere",
        "GET /account/orders",
        "POST /account/orders/claim",
        "GET /account/wallet",
        "GET /account/addresses",
        "GET /account/addresses/new",
        "POST /account/addresses/new",
        "GET /account/addresses/{id}",
        "POST /account/addresses/{id}",
        "POST /account/addresses/{id}/default",
        "GET /account/addresses/{id}/remove",
        "POST /account/addresses/{id}/remove",
        "GET /account/messages",
        "GET /account/messages/{id}",
        "GET /account/privacy",
        "POST /account/privacy",
        "GET /account/data.json",
        "GET /account/delete",
        "POST /account/delete",
    }
)
"""For the shopper who is signed in, each about themselves; everybody else is led to the sign-in."""

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

FOREIGN = {"/account/addresses": "adr", "/account/messages": "msg", "/account/sessions": "ses"}

FORMS: dict[str, dict[str, str]] = {
    "POST /console/orders/{id}/cancel": {"reason": "the buyer asked for it"},
    "POST /console/orders/{id}/transferred": {"reference": "4711"},
    "POST /console/stock/{id}": {"delta": "1", "cause": "counted again"},
    "POST /console/offers/new": {
        "name_en": "A tenth off",
        "effect": "percent",
        "percent": "10",
        "currency": "EUR",
        "starts_at": "2026-11-11T00:00",
        "ends_at": "2026-11-12T00:00",
    },
    "POST /console/jobs/cancel": {"job": "test-job"},
    "POST /console/gates/new": {
        "name": "Test room",
        "guards": "outside",
        "opens_at": "2030-11-11T00:00",
        "gathers": "30",
        "rate": "10",
        "pass_minutes": "30",
    },
    "POST /console/gates/{id}": {"do": "pause"},
    "POST /console/me": {"new_password": "one thing", "again": "another"},
    "POST /console/imports/{id}": {
        "column-0": "sku",
        "column-1": "title.en",
        "column-2": "price.EUR",
        "merchant": "lanterns",
        "do": "try",
    },
}
"""What the form of an action says, such that it works for those who may."""

UPLOADS = frozenset(
    {"POST /console/selling/goods/new", "POST /console/selling/goods/{id}", "POST /console/selling/stall"}
)
"""Forms that may have files with them."""
