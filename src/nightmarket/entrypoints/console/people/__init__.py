"""People and programs that may come in: accounts with their roles, API keys, and one's own password."""
