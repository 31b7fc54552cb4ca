"""Words without I/O that the whole house speaks: money, quantity, ids, clock, problems."""
