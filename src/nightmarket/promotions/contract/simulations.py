"""What a draft of offers would have made of past carts: `nightmarket simulate`."""

from nightmarket.promotions.model.simulating import (
    MAX_ROWS,
    CartChange,
    MerchantChange,
    MoneySums,
    OfferUse,
    PastCart,
    SimulationReport,
    Simulator,
    draft_book,
)

__all__ = [
    "MAX_ROWS",
    "CartChange",
    "MerchantChange",
    "MoneySums",
    "OfferUse",
    "PastCart",
    "SimulationReport",
    "Simulator",
    "draft_book",
]
