"""The loss guard: what it stopped, by what rules, and putting it back."""
