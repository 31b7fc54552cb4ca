"""The refusals of the waiting room; codes are stable."""

from nightmarket.kernel.problems import Kind, Problem


class RoomRefused(Problem):
    """What was typed for a room, or asked of it, is not possible; `field` names what, and `flaws` all of it where a
    whole room was described (field, detail)."""

    code = "room_refused"
    kind = Kind.UNPROCESSABLE


class RoomNotFound(Problem):
    """There is no waiting room with that name, or it has ended long ago."""

    code = "room_not_found"
    kind = Kind.NOT_FOUND


class QueueRequired(Problem):
    """A waiting room stands before this: `tickets` gives a place in the queue, `now` says how far it is, `passes` a
    pass when it is one's turn. `ticket`, where it stands, is a place already."""

    code = "queue_required"
    kind = Kind.TOO_MANY


class NotYourTurn(Problem):
    """The ticket is good, but those before it come first; `retry_after_seconds` says when to ask again."""

    code = "not_your_turn"
    kind = Kind.TOO_MANY


class TicketUsed(Problem):
    """The ticket has been exchanged for a pass already, some time ago."""

    code = "ticket_used"
    kind = Kind.CONFLICT


class TicketRefused(Problem):
    """That is no ticket of this room: forged, too old, or replaced by a newer one."""

    code = "ticket_refused"
    kind = Kind.INVALID
