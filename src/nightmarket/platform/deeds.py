"""Who did what: one fact per deed of a person with power, in the transaction of the deed wherever there is one."""

from typing import ClassVar
from uuid import UUID

import msgspec

MAX_DETAIL_LETTERS = 500


class Acted(msgspec.Struct, frozen=True):
    """Fact: a person asked for something that changes the shop; `about` names the thing by its outside id."""

    kind: ClassVar[str] = "platform.acted"
    actor: UUID
    name: str
    action: str
    about: str
    detail: str = ""
