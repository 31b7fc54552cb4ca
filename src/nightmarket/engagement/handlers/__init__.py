"""What happens on commands to engagement, one subject a file."""

from .profiles import StoredProfiles

__all__ = ["StoredProfiles"]
