"""The rush: the page from which a crowd is let into the demo and its database is killed, and what comes of it."""
