"""What a server needs, and nothing of shops: engines, processes, database, facts, jobs, access, http, messages."""
