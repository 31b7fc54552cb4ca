"""Where past carts come from: a retailer's year as a file, a grocer's baskets and coupons, this shop's orders."""
