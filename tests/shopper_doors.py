"""Doors that open to one person only: the shopper signed in, or whoever has a link's secret."""

OWN = frozenset(
    {
        "GET /checkout/{id}",
        "POST /checkout/{id}",
        "POST /checkout/{id}/review",
        "POST /checkout/{id}/offers",
        "GET /orders/{id}",
        "GET /orders/{id}/cancel",
        "POST /orders/{id}/cancel",
        "GET /ucp/checkout-sessions/{id}",
        "PUT /ucp/checkout-sessions/{id}",
        "POST /ucp/checkout-sessions/{id}/complete",
        "POST /ucp/checkout-sessions/{id}/cancel",
        "POST /ucp/checkout-sessions/{id}/confirmations",
        "POST /ucp/checkout-sessions/{id}/confirmations/{confirmation}",
        "POST /ucp/checkout-sessions/{id}/coupons",
        "GET /ucp/carts/{id}",
        "GET /ucp/carts/{id}/festival",
        "GET /ucp/checkout-sessions/{id}/festival",
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
        "GET /festival/calendar/{token}",
        "GET /festival/stop/{token}",
        "POST /festival/stop/{token}",
        "POST /push-twin/{id}",
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
        "POST /account/wallet/code",
        "GET /account/addresses",
        "GET /account/addresses/new",
        "POST /account/addresses/new",
        "GET /account/addresses/{id}",
        "POST /account/addresses/{id}",
        "POST /account/addresses/{id}/default",
        "GET /account/addresses/{id}/remove",
        "POST /account/addresses/{id}/remove",
        "GET /account/prizes",
        "GET /account/coupons",
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

FOREIGN = {"/account/addresses": "adr", "/account/messages": "msg", "/account/sessions": "ses"}
