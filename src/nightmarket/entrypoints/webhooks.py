"""Where payment providers report what happened."""

from typing import Any

from litestar import Request, post

from nightmarket.entrypoints.provided import TheShop


@post("/webhooks/payments/testpay", status_code=200, include_in_schema=False)
async def payment_webhook(request: Request[Any, Any, Any], shop: TheShop) -> dict[str, str]:
    """A signed event; repeated, late and unordered ones are taken too."""
    body = await request.body()
    async with shop.database.transaction() as tx:
        receipt = await shop.webhooks.receive_webhook(tx, body, request.headers.get("x-testpay-signature", ""))
    return {"receipt": receipt.value}
