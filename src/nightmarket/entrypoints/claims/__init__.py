"""The API for shops that stay as they are: claims, prices, stock and offers, with API keys."""
