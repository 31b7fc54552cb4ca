"""What states and refusals of joint offers are called."""

from nightmarket.entrypoints.pages.words import say_later
from nightmarket.promotions.contract.collaborations import JointKind, JointState

HERE, SELLING = "/console/collaborations", "/console/selling/collaborations"

STATES = {
    JointState.PROPOSED: (say_later("proposed"), "warn"),
    JointState.ACCEPTED: (say_later("accepted, the market decides"), "warn"),
    JointState.PUBLISHED: (say_later("published"), "good"),
    JointState.DECLINED: (say_later("declined by a merchant"), "danger"),
    JointState.REFUSED: (say_later("refused by the market"), "danger"),
    JointState.WITHDRAWN: (say_later("withdrawn"), ""),
    JointState.ENDED: (say_later("over"), ""),
}
KINDS = {
    JointKind.BUNDLE: say_later("A good of each, together for one price"),
    JointKind.CROSS: say_later("Who buys from the first gets a percentage off the second's goods"),
}
REFUSED = (
    say_later("A joint offer is of two merchants."),
    say_later("Each merchant pays more than 0 % and less than 100 %."),
    say_later("The parts come to 100 % at most; the market pays the rest."),
    say_later("Choose a good of each for a bundle."),
    say_later("Say what both cost together."),
    say_later("Take off more than 0 % and up to 90 %."),
    say_later("Allow 1 to 1000000 orders, or leave it empty."),
    say_later("It ends after it starts, and not in the past."),
    say_later("A joint offer lasts 90 days at most."),
    say_later("Choose goods that this merchant has on sale."),
    say_later("Both cost no more than this one by one, so it takes nothing off."),
    say_later("A hundred of your joint offers wait for an answer already."),
    say_later("Propose an offer in which you have a part."),
    say_later("This has been answered already."),
    say_later("Only who proposed it may withdraw it."),
    say_later("It is too late to withdraw this."),
    say_later("Decide when both merchants have accepted."),
    say_later("Its time is over; refuse it."),
    say_later("Only what is published can be ended."),
    say_later("Say in 3 to 300 letters why."),
    say_later("There is no such joint offer."),
    say_later("Give the offer a name in at least one language."),
    say_later("A name has at most 120 letters."),
)
"""What promotions refuse, in their words, so that they are translated."""
