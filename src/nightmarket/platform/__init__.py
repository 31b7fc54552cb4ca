"""What a server needs: settings, engines, supervisor, database, group commit, facts, jobs, access, http, messages, media."""
