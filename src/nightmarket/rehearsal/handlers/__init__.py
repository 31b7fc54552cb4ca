"""What happens in a rehearsal: the crowd at the door, the witness in the house, and those who give the sign.

Nothing is gathered here, so that the crowd's process loads no more than it needs.
"""
