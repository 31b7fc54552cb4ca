"""Group purchases: the groups, and the workflow that brings them together with their orders."""

from typing import Any

from nightmarket.orders.handlers import OrderDesk
from nightmarket.payments.contract import Payments
from nightmarket.promotions.handlers.draw_steps import DrawMeans
from nightmarket.promotions.handlers.groups import StoredGroups
from nightmarket.workflows.group_purchase import GroupPurchases


def gathering(means: DrawMeans, orders: OrderDesk, payments: Payments) -> dict[str, Any]:
    """The rooms of group purchases."""
    groups = StoredGroups(means)
    purchases = GroupPurchases(means.database, groups, orders, payments, means.outbox, means.clock)
    return {"groups": groups, "group_purchases": purchases}
