"""All queries on the tables of catalog. Lock order: merchants by id, then rows by id; tallies come after."""
