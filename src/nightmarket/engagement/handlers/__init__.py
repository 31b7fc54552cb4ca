"""What happens on commands to engagement, one subject a file."""

from .enquiries import StoredEnquiries
from .profiles import StoredProfiles
from .wishes import StoredWishes

__all__ = ["StoredEnquiries", "StoredProfiles", "StoredWishes"]
