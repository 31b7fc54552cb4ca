"""The console's pages of coupons and booklets."""
