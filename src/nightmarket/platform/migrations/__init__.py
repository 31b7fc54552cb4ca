"""The one place where tables are made: revisions in order, each the SQL of one room."""
