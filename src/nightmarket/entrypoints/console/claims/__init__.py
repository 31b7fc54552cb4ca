"""What other shops hold here."""
