"""Rules of engagement, pure."""
