"""A checkout of the example whose order stands when something after it fails; prints what Nightmarket was asked."""

# ruff: noqa: E402 (Django is set up before its models can be imported)
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path.cwd()))
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
asked: list[str] = []


class Claims(BaseHTTPRequestHandler):
    """Grants whatever is asked, and remembers it."""

    def do_POST(self) -> None:
        asked.append(self.path)
        self.rfile.read(int(self.headers["content-length"] or 0))
        body = b'{"id": "clm_1"}'
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name in the library)
        pass


server = HTTPServer(("127.0.0.1", 0), Claims)
threading.Thread(target=server.serve_forever, daemon=True).start()
os.environ |= {"CLAIMS_URL": f"http://127.0.0.1:{server.server_port}", "CLAIMS_KEY": "a key"}

import django

django.setup()

from checkout.views import PaymentDetailsView  # pyright: ignore[reportMissingImports]
from oscar.apps.checkout.views import PaymentDetailsView as OscarPaymentDetailsView


class Failing(OscarPaymentDetailsView):
    """Oscar, whose order is written or not, and whose basket then cannot be closed."""

    written = True

    def place_order(self, *args: Any, **kwargs: Any) -> Any:
        if not self.written:
            raise RuntimeError("the order cannot be written")
        return SimpleNamespace(notes=SimpleNamespace(create=lambda **_: None))

    def handle_payment(self, *args: Any, **kwargs: Any) -> None:
        """Free of charge."""


class Checkout(PaymentDetailsView, Failing):  # pyright: ignore[reportUntypedBaseClass]
    """The example's own view over that Oscar."""


class Basket:
    """One lamp."""

    def all_lines(self) -> list[Any]:
        return [SimpleNamespace(stockrecord=SimpleNamespace(partner_sku="NIGHT-LAMP"), quantity=1)]

    def submit(self) -> None:
        raise RuntimeError("the basket cannot be closed")


for written in (True, False):
    view = Checkout()
    view.written = written
    basket = Basket()
    view.request = SimpleNamespace(basket=basket)
    view.handle_payment("1", None)
    try:
        view.handle_order_placement("1", None, basket, None, None, None, None, None)
    except RuntimeError as error:
        asked.append(str(error))
print(json.dumps(asked))  # noqa: T201
