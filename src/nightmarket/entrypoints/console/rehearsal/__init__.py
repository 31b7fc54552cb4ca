"""Rehearsals: the page from which a festival is rehearsed, watched while it is played, and judged."""
