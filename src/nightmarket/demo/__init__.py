"""The demo market: its goods as files, its pictures and its slots as pure functions."""
