"""Rules of search: words, queries, spelling, documents, weights. Pure."""
