"""The whole connection of an Oscar shop to Nightmarket: hold before the payment, settle after the order."""

import logging
from typing import Any

from django.db import transaction
from nightmarket_claims import Refused, SoldOut, from_environment
from oscar.apps.checkout.views import PaymentDetailsView as OscarPaymentDetailsView
from oscar.apps.payment.exceptions import UnableToTakePayment

log = logging.getLogger("oscar.checkout")
claims = from_environment()
NOTE = "Nightmarket claim "


class PaymentDetailsView(OscarPaymentDetailsView):
    """Oscar's last step of a checkout. Its other views stay as they are: Oscar finds those that this file does not have
    in its own."""

    _claim: str | None = None
    _stands = False

    def handle_payment(self, order_number: Any, total: Any, **kwargs: Any) -> None:
        """Hold the basket's units before anything is charged; a shopper who is too late reads so and pays nothing."""
        if claims is not None:
            lines = [
                {"tally": line.stockrecord.partner_sku, "quantity": line.quantity}
                for line in self.request.basket.all_lines()
            ]
            try:
                self._claim = claims.hold(lines, reference=str(order_number))
            except SoldOut as refusal:
                raise UnableToTakePayment(str(refusal)) from None
        try:
            super().handle_payment(order_number, total, **kwargs)
        except Exception:
            self._give_back()
            raise

    def place_order(self, *args: Any, **kwargs: Any) -> Any:
        """The order and the note of its claim are written together, so that neither can be without the other."""
        with transaction.atomic():
            order = super().place_order(*args, **kwargs)
            if self._claim is not None:
                order.notes.create(note_type="System", message=f"{NOTE}{self._claim}")
        self._stands = True
        return order

    def handle_order_placement(self, *args: Any, **kwargs: Any) -> Any:
        """Once the order stands its units are sold; if it does not come to stand they go back. Where something fails
        after it, such as its mail, they stay held until `python shop.py settle`."""
        try:
            response = super().handle_order_placement(*args, **kwargs)
        except Exception:
            if not self._stands:
                self._give_back()
            raise
        if claims is not None and self._claim is not None:
            try:
                claims.settle(self._claim)
            except (OSError, Refused):
                log.exception("claim %s is not settled yet; `python shop.py settle` will do it", self._claim)
        return response

    def _give_back(self) -> None:
        if claims is not None and self._claim is not None:
            try:
                claims.release(self._claim)
            except (OSError, Refused):
                log.warning("claim %s is not released; it lapses by itself", self._claim)
