"""What happens on commands to engagement, one subject a file."""

from .profiles import StoredProfiles
from .wishes import StoredWishes

__all__ = ["StoredProfiles", "StoredWishes"]
