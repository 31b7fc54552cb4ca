"""What payments do by themselves: ask providers for what is due, ask again what is unknown, fetch statements."""

from .drain import FAULT_POINTS, PaymentsDrain
from .reconciliation import ProviderReconciliation
from .statement import StatementAudit

__all__ = ["FAULT_POINTS", "PaymentsDrain", "ProviderReconciliation", "StatementAudit"]
