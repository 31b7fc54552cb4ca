"""Oscar's checkout with one thing changed: what it sells is held by Nightmarket first."""
