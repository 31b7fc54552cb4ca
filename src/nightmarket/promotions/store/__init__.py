"""All queries of promotions, one table group a file."""
