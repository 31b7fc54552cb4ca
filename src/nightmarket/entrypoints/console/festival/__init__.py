"""The festival as operators run it: the plan of the day, switches, prepared sets, and the shop at any instant."""
