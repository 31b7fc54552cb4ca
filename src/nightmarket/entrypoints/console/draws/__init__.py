"""Draws of prizes and surprise prices as the people behind the market make and watch them."""
