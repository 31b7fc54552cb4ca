"""The public order API: the Universal Commerce Protocol (UCP), wire version 2026-04-08."""
