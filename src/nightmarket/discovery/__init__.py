"""Search, facets and suggestions. See README.md."""
