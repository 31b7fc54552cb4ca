"""Presales at the console: merchants propose them, the market decides."""
