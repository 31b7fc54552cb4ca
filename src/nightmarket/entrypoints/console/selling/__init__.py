"""Where a merchant's people sell: goods, prices and stock, places, the stall, figures; and who may sell at all."""
