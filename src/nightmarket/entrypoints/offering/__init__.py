"""Offers as documents: one shape for the API, files and the console, with its published JSON schema."""
