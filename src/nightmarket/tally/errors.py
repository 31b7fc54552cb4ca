"""Tallies raise no Problem: what they cannot grant is an answer (`contract.Refusal`), all else is a Defect."""
