"""All queries on the tables of engagement, one file a subject."""
