"""What others may ask of engagement, one file a subject: `profiles` (languages, addresses, consents)."""
