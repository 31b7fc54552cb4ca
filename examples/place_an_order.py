"""Buy from two merchants through the Universal Commerce Protocol, as an agent or another shop's front end would.

Needs an open shop with its demo: `make run`, then `.venv/bin/python examples/place_an_order.py`. Another address goes
on the command line; PORT is honoured.
"""

import os
import re
import sys
import uuid
from typing import Any

import httpx

SHOP = sys.argv[1].rstrip("/") if len(sys.argv) > 1 else f"http://127.0.0.1:{os.environ.get('PORT', '1111')}"
AGENT = 'profile="https://agent.example/profile.json"'
CARD = "success_token"
DECLINED_CARD = "tok_insufficient_funds"


def item(client: httpx.Client, product: str) -> str:
    """The id of a product's first variant, from its page; `POST /ucp/catalog/lookup` has it too."""
    page = client.get(f"{SHOP}/products/{product}").raise_for_status().text
    found = re.search(r"var_[0-9a-z]{26}", page)
    assert found, f"{product} is not sold here"
    return found[0]


def pay(client: httpx.Client, checkout: str, token: str, key: str) -> dict[str, Any]:
    """Complete the session with the shop's test provider. The key makes the request safe to repeat."""
    card = {"id": "card", "handler_id": "testpay", "type": "card", "credential": {"type": "token", "token": token}}
    return answer(
        client.post(
            f"checkout-sessions/{checkout}/complete",
            json={"payment": {"instruments": [card]}},
            headers={"Idempotency-Key": key},
        )
    )


def answer(response: httpx.Response) -> dict[str, Any]:
    """The answer, or an error that says why."""
    if response.is_error:
        sys.exit(f"{response.status_code}: {response.text}")
    return response.json()


def total(of: dict[str, Any]) -> str:
    """What it costs, as people write it. Amounts on the wire are minor units."""
    amount = next(one["amount"] for one in of["totals"] if one["type"] == "total")
    return f"{amount / 100:.2f} {of['currency']}"


def main() -> None:
    """From a product to a paid order."""
    with httpx.Client(headers={"UCP-Agent": AGENT}) as client:
        profile = answer(client.get(f"{SHOP}/.well-known/ucp"))["ucp"]
        client.base_url = httpx.URL(profile["services"]["dev.ucp.shopping"][0]["endpoint"])
        print(f"The shop speaks UCP {profile['version']}.")

        wanted: dict[str, Any] = {
            "line_items": [
                {"item": {"id": item(client, "bento-box")}, "quantity": 2},
                {"item": {"id": item(client, "evening-leaf-tea")}, "quantity": 1},
            ],
            "buyer": {"email": "night.owl@example.com", "first_name": "Night", "last_name": "Owl"},
            "context": {"currency": "EUR", "language": "en"},
            "fulfillment": {
                "methods": [
                    {
                        "type": "shipping",
                        "destinations": [
                            {
                                "street_address": "Lantern Row 11",
                                "address_locality": "Nighttown",
                                "postal_code": "11111",
                                "address_country": "DE",
                            }
                        ],
                    }
                ]
            },
        }
        key = str(uuid.uuid4())
        session = answer(client.post("checkout-sessions", json=wanted, headers={"Idempotency-Key": key}))
        print(f"{session['status']}: {session['messages'][0]['content']}")

        method = session["fulfillment"]["methods"][0]
        wanted["fulfillment"]["methods"][0]["groups"] = [
            {"id": group["id"], "selected_option_id": "standard"} for group in method["groups"]
        ]
        session = answer(client.put(f"checkout-sessions/{session['id']}", json=wanted))
        print(f"{session['status']}: {total(session)} in {len(method['groups'])} parcels")

        refused = pay(client, session["id"], DECLINED_CARD, str(uuid.uuid4()))
        print(f"{refused['status']}: {refused['messages'][0]['content']}")

        key = str(uuid.uuid4())
        done = pay(client, session["id"], CARD, key)
        again = pay(client, session["id"], CARD, key)
        print(f"{done['status']}: one order, however often it is sent: {done['order'] == again['order']}")

        order = answer(client.get(f"orders/{done['order']['id']}"))
        for line in order["line_items"]:
            print(f"{line['quantity']['total']} x {line['item']['title']}: {line['status']}")
        print(f"paid {total(order)}")


if __name__ == "__main__":
    main()
