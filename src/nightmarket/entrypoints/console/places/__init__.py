"""Places, samples and the counter, as merchants and the people of the market make and watch them."""
