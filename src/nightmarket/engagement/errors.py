"""The closed set of refusals of engagement."""

from nightmarket.kernel.problems import Kind, Problem


class AddressNotFound(Problem):
    """No address with that id belongs to this shopper."""

    code = "address_not_found"
    kind = Kind.NOT_FOUND


class TooManyAddresses(Problem):
    """The shopper keeps as many addresses as there may be; one has to go first."""

    code = "too_many_addresses"
    kind = Kind.CONFLICT


class TooManyWishes(Problem):
    """The wish list is full; something has to go first."""

    code = "too_many_wishes"
    kind = Kind.CONFLICT


class TooManyAlerts(Problem):
    """This shopper, or this address, waits for as many things as there may be."""

    code = "too_many_alerts"
    kind = Kind.CONFLICT


class TooManyFollowed(Problem):
    """The shopper follows as many brands as there may be."""

    code = "too_many_followed"
    kind = Kind.CONFLICT


class EnquiryRefused(Problem):
    """What was typed breaks a stated bound; `field` names where."""

    code = "enquiry_refused"
    kind = Kind.UNPROCESSABLE


class EnquiryNotFound(Problem):
    """No enquiry with that id, or it is another merchant's."""

    code = "enquiry_not_found"
    kind = Kind.NOT_FOUND


class TooManyEnquiries(Problem):
    """So many questions of this visitor, or from this address, wait already."""

    code = "too_many_enquiries"
    kind = Kind.TOO_MANY


class TooManyReminders(Problem):
    """One shopper waits for as many reminders as one may."""

    code = "too_many_reminders"
    kind = Kind.CONFLICT


class SegmentRefused(Problem):
    """Rules that cannot be a segment; `flaws` names each field with what is wrong."""

    code = "segment_refused"
    kind = Kind.UNPROCESSABLE


class SegmentNotFound(Problem):
    """No segment with that id."""

    code = "segment_not_found"
    kind = Kind.NOT_FOUND


class SegmentMoved(Problem):
    """Somebody changed the segment in between."""

    code = "segment_moved"
    kind = Kind.CONFLICT
