"""All SQL of discovery."""
