"""All queries of payments: the journal, payments, what providers reported, and the test provider's own file."""
