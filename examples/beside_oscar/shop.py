"""Look after the shop: `python shop.py open` fills it, `count` says what it sold, `settle` ends what a crash left open.

`open` makes a fresh database with one lamp, and 300 guests who have it in their baskets and stand at the last step of
Oscar's checkout. Their cookies go into a file, for `rush.py`.
"""

# ruff: noqa: E402 (Django is set up before its models can be imported)
import json
import os
import sys
from decimal import Decimal

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")

import django

django.setup()

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sites.models import Site
from django.core.management import call_command
from django.core.signing import Signer
from django.db import transaction
from django.middleware.csrf import _get_new_csrf_string
from oscar.apps.basket.models import Basket
from oscar.apps.catalogue.models import Product, ProductClass
from oscar.apps.order.models import Line, Order, OrderNote
from oscar.apps.partner.models import Partner, StockRecord
from oscar.apps.partner.strategy import Selector

SKU = "NIGHT-LAMP"
UNITS = 50
BUYERS = 300


def open_shop() -> None:
    """A fresh shop, and the guests' cookies."""
    settings.FOLDER.mkdir(parents=True, exist_ok=True)
    for name in ("shop.sqlite3", "shop.sqlite3-wal", "shop.sqlite3-shm"):
        (settings.FOLDER / name).unlink(missing_ok=True)
    call_command("migrate", verbosity=0, run_syncdb=True)
    with transaction.atomic():
        Site.objects.update_or_create(id=1, defaults={"domain": "127.0.0.1", "name": "Lamps"})
        kind = ProductClass.objects.create(name="Lamp", requires_shipping=False, track_stock=True)
        lamp = Product.objects.create(title="Night lamp", product_class=kind)
        partner = Partner.objects.create(name="Lamp makers")
        StockRecord.objects.create(
            product=lamp, partner=partner, partner_sku=SKU, price=Decimal("22.20"), num_in_stock=UNITS
        )
        guests = [_guest(lamp, number) for number in range(BUYERS)]
    (settings.FOLDER / "guests.json").write_text(json.dumps(guests))
    print(f"open: {UNITS} lamps, {len(guests)} guests at the last step")


def _guest(lamp: Product, number: int) -> dict[str, str]:
    """A guest with a lamp in the basket, who has given an e-mail address and chosen how it is delivered."""
    basket = Basket.objects.create()
    basket.strategy = Selector().strategy()
    basket.add_product(lamp)
    session = SessionStore()
    session["checkout_data"] = {
        "guest": {"email": f"guest-{number}@example.org"},
        "shipping": {"method_code": "no-shipping-required"},
    }
    session.save()
    return {
        settings.SESSION_COOKIE_NAME: session.session_key,
        settings.OSCAR_BASKET_COOKIE_OPEN: Signer().sign(basket.id),
        settings.CSRF_COOKIE_NAME: _get_new_csrf_string(),
    }


def count() -> None:
    """What the shop sold, and what it says it has left."""
    sold = sum(Line.objects.values_list("quantity", flat=True))
    stock = StockRecord.objects.get(partner_sku=SKU)
    print(json.dumps({"orders": Order.objects.count(), "sold": sold, "left": stock.net_stock_level}))


def settle() -> None:
    """Settle the claims of all orders again: a crash may have come between an order and its settling. For cron."""
    from checkout.views import NOTE, claims

    assert claims is not None, "set CLAIMS_URL and CLAIMS_KEY"
    for note in OrderNote.objects.filter(message__startswith=NOTE):
        claims.settle(note.message.removeprefix(NOTE))


if __name__ == "__main__":
    {"open": open_shop, "count": count, "settle": settle}[sys.argv[1]]()
