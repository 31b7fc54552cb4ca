"""The offers of the market: the current book, publishing with a trial on sample carts, by file, and retiring."""
