"""What promotions may refuse: a closed set of codes."""

from nightmarket.kernel.problems import Kind, NotFound, Problem


class OfferRefused(Problem):
    """An offer breaks a rule; `field` and `reason` name the first flaw, `flaws` lists all (field, reason, detail)."""

    code = "offer_refused"
    kind = Kind.UNPROCESSABLE


class CodeTaken(Problem):
    """Another offer has that code at the same time; `other` is its id."""

    code = "offer_code_taken"
    kind = Kind.CONFLICT


class RevisionTaken(Problem):
    """The offer was changed in the meantime; `expected` is the revision that may come next."""

    code = "offer_revision_taken"
    kind = Kind.CONFLICT


class UsesTaken(Problem):
    """More orders have the offer already than the new cap allows."""

    code = "offer_uses_taken"
    kind = Kind.CONFLICT


class TooManyOffers(Problem):
    """A publication or the book would be larger than its bound."""

    code = "too_many_offers"
    kind = Kind.UNPROCESSABLE


class OfferNotFound(NotFound):
    """No offer with that id is published."""

    code = "offer_not_found"


class BookNotFound(NotFound):
    """No book has that number yet."""

    code = "book_not_found"


class DrawRefused(Problem):
    """The terms of a draw break a rule, or it is too early or too late for what was asked; `field` names where."""

    code = "draw_refused"
    kind = Kind.UNPROCESSABLE


class DrawNotFound(NotFound):
    """No draw has that id."""

    code = "draw_not_found"


class TicketsClosed(Problem):
    """No ticket is given now: it is too early, too late, or the draw has no such rule."""

    code = "tickets_closed"
    kind = Kind.CONFLICT


class SurpriseRefused(Problem):
    """A surprise price breaks a rule, or is past what was asked of it; `field` names where."""

    code = "surprise_refused"
    kind = Kind.UNPROCESSABLE


class SurpriseNotFound(NotFound):
    """No surprise price has that id."""

    code = "surprise_not_found"


class FestivalRefused(Problem):
    """A festival breaks a rule; `field` and `reason` name the first flaw, `flaws` lists all (field, reason, detail)."""

    code = "festival_refused"
    kind = Kind.UNPROCESSABLE


class FestivalMoved(Problem):
    """The festival was changed in the meantime."""

    code = "festival_moved"
    kind = Kind.CONFLICT


class FestivalNotFound(NotFound):
    """No festival with that id is planned."""

    code = "festival_not_found"


class SwitchRefused(Problem):
    """There is no such switch, or a prepared set is not possible; `field` names what."""

    code = "switch_refused"
    kind = Kind.UNPROCESSABLE


class TurnedOff(Problem):
    """The operator has turned this mechanic off for now; what was begun goes on."""

    code = "turned_off"
    kind = Kind.CONFLICT


class CampaignRefused(Problem):
    """A campaign breaks a rule; `field` names what."""

    code = "campaign_refused"
    kind = Kind.UNPROCESSABLE


class CampaignNotFound(NotFound):
    """No campaign with that id is planned."""

    code = "campaign_not_found"


class EnrolmentRefused(Problem):
    """Goods cannot be enrolled or approved; `flaws` lists all (variant, field, reason, detail, amount)."""

    code = "enrolment_refused"
    kind = Kind.UNPROCESSABLE


class CouponRefused(Problem):
    """A coupon breaks a rule; `field` and `reason` name the first flaw, `flaws` lists all (field, reason, detail)."""

    code = "coupon_refused"
    kind = Kind.UNPROCESSABLE


class CouponNotFound(NotFound):
    """No coupon has that id or code."""

    code = "coupon_not_found"


class CouponNotGiven(Problem):
    """The coupon cannot be had now, or not by this person; `reason` says why: ahead, closed, gone, not_yours, taken or
    won."""

    code = "coupon_not_given"
    kind = Kind.CONFLICT


class BookletRefused(Problem):
    """A booklet breaks a rule; `field` and `reason` name the first flaw, `flaws` lists all (field, reason, detail)."""

    code = "booklet_refused"
    kind = Kind.UNPROCESSABLE


class BookletNotFound(NotFound):
    """No booklet has that id."""

    code = "booklet_not_found"


class StampNotGiven(Problem):
    """No stamp is given now: it is too early, too late, or the booklet has no such stamp."""

    code = "stamp_not_given"
    kind = Kind.CONFLICT


class PlaceRefused(Problem):
    """A place breaks a rule; `field` and `reason` name the first flaw, `flaws` lists all (field, reason, detail)."""

    code = "place_refused"
    kind = Kind.UNPROCESSABLE


class PlaceNotFound(NotFound):
    """No place has that id."""

    code = "place_not_found"


class SampleRefused(Problem):
    """A sample breaks a rule, or it is too late for what was asked of a booking; `field` names where."""

    code = "sample_refused"
    kind = Kind.UNPROCESSABLE


class SlotFull(Problem):
    """Every seat of the slot is taken."""

    code = "sample_slot_full"
    kind = Kind.CONFLICT


class SampleNotFound(NotFound):
    """No sample, slot or booking has that id or code."""

    code = "sample_not_found"


class GroupRefused(Problem):
    """A group purchase breaks a rule, or is past what was asked of it; `field` and `reason` name which."""

    code = "group_refused"
    kind = Kind.UNPROCESSABLE


class GroupsGone(Problem):
    """As many groups are open or complete as the merchant allows."""

    code = "groups_gone"
    kind = Kind.CONFLICT


class GroupNotFound(NotFound):
    """No group, or goods offered to groups, with that id."""

    code = "group_not_found"


class CollaborationRefused(Problem):
    """A joint offer breaks a rule, or is past what was asked of it; `flaws` lists all (field, reason, detail)."""

    code = "collaboration_refused"
    kind = Kind.UNPROCESSABLE


class CollaborationNotFound(NotFound):
    """No joint offer with that id, or none in which this merchant has a part."""

    code = "collaboration_not_found"


class PresaleRefused(Problem):
    """A presale breaks a rule, or is past what was asked of it; `flaws` lists all (field, reason, detail)."""

    code = "presale_refused"
    kind = Kind.UNPROCESSABLE


class PresaleNotFound(NotFound):
    """No presale or booking has that id."""

    code = "presale_not_found"


class PresaleClosed(Problem):
    """The presale takes no bookings now."""

    code = "presale_closed"
    kind = Kind.CONFLICT


class PresaleFull(Problem):
    """Every place of the presale is taken."""

    code = "presale_full"
    kind = Kind.CONFLICT


class DepositRefused(Problem):
    """The deposit was not paid, so nothing is booked; `decline_code` is the provider's word."""

    code = "presale_deposit_refused"
    kind = Kind.CONFLICT


class GuardRefused(Problem):
    """A rule of the loss guard is out of its bounds, or what it stopped cannot be put back; `field` names what."""

    code = "guard_refused"
    kind = Kind.UNPROCESSABLE
