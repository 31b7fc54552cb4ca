"""What happens when another shop claims, settles, releases, or says what stock it has."""

from .auditing import ClaimAudit
from .desk import ClaimDesk
from .means import Means

__all__ = ["ClaimAudit", "ClaimDesk", "Means"]
