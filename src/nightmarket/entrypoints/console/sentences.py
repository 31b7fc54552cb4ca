"""What the rules of offers say is wrong, in the reader's language. The rules speak English, for the API does; a
sentence that holds a figure or a name is known here by its pattern."""

import re
from collections.abc import Callable

from nightmarket.entrypoints.pages.words import say_later

from . import refused

PLAIN = (
    say_later(
        "Merchants who share an offer sell some of it: let a part of the bundle, or a condition, be of each alone."
    ),
    say_later("Revisions are counted from 1."),
    say_later("Give the offer a name in at least one language."),
    say_later("A code has 3 to 32 letters A-Z, digits, - or _, and begins and ends with a letter or digit."),
    say_later("An offer cannot exclude itself."),
    say_later("An offer ends after it starts; the instant of its end is not included."),
    say_later("Who pays for an offer can only discount lines of their own."),
    say_later("Each funder pays more than 0 %."),
    say_later("The funders' parts come to 100 % together."),
    say_later("The funder of the offer is one of those who share it."),
    say_later("Leave the tally out: with max_uses the offer gets its own."),
    say_later("Say how many orders or units one buyer may have, or leave the limit out."),
    say_later("Delivery has no units; limit the orders of a buyer instead."),
    say_later("An instant needs its offset, such as 2026-11-11T00:00:00+08:00."),
    say_later("A purchase limit is for goods and a time only; leave this out."),
    say_later("Give the offer a name, or leave this language out."),
    say_later("A name has no line breaks or control characters."),
    say_later("It excludes all that it is for; leave one of the two out."),
    say_later("Hours end after they start; for a night, write the hours until midnight and those from midnight."),
    say_later("Fewer pieces become cheaper than there are in a group; else give a percentage off all."),
    say_later("Hours lie between 0:00 and 24:00."),
    say_later("Weekdays are 0 (Monday) to 6 (Sunday)."),
    say_later("A percentage lies over 0 % and is at most 100 %."),
    say_later("Give an amount in at least one currency."),
    say_later("Say for each currency both for every how much, and minus how much."),
    say_later("Say which goods must be in the cart as well."),
    say_later("Name the time zone as in Europe/Vienna."),
    say_later("Say which goods are this part of the bundle."),
    say_later("It cannot take off more than it asks for."),
    say_later("A step gives either a percentage or an amount."),
    say_later("All steps ask and give in the same way and the same currencies."),
    say_later("Pieces count only where each line or piece is reduced."),
    say_later("Say how much all deliveries get together."),
    say_later("Each step begins higher than the one before; these two overlap."),
    say_later("A higher step gives no less than the one before."),
    say_later("Name the gifts."),
    say_later("This is no less than the list price of what it is for, so it takes nothing off."),
    say_later("One of the goods that it names would be sold below what it costs."),
    say_later("Publish each offer once at a time."),
    say_later("Merchants share an offer only by a joint offer to which both have agreed; propose one to them."),
    say_later("These offers exclude each other in a circle; give them the same word of exclusivity instead."),
    say_later("The file has no offers."),
    say_later("What this is a part of is given in a column of its own as well."),
    say_later("Name an offer by its id or by your key, not by both."),
    say_later("A new offer has no id; a later revision names the offer's id."),
    say_later("This key is for another merchant, who can only pay for their own offers."),
    say_later("Name each offer once."),
    say_later("No offer that is yours to change has that id."),
)
"""Sentences that are always the same."""

PATTERNS = (
    say_later("An offer excludes at most %(most)s others; use a word."),
    say_later("Say in at_least what %(currency)s carts must come to as well."),
    say_later("An offer with hours lasts at most %(days)s days."),
    say_later("Name each funder once, %(most)s at most."),
    say_later("A cap lies between 1 and %(most)s orders."),
    say_later("%(word)s is none of %(words)s."),
    say_later("A budget has at most %(most)s minor units."),
    say_later("A limit lies between 1 and %(most)s units."),
    say_later("A limit lies between 1 and %(most)s."),
    say_later("A name has at most %(most)s letters."),
    say_later("A bundle has 2 to %(most)s parts."),
    say_later("There are 1 to %(most)s steps."),
    say_later("Name at most %(most)s of them."),
    say_later("A number lies between %(least)s and %(most)s."),
    say_later("%(word)s is not a word of 1 to %(most)s letters."),
    say_later("An amount lies between %(least)s and %(most)s minor units."),
    say_later("A condition lists at most %(most)s of them."),
    say_later("%(currency)s is not a currency code; use ISO 4217 such as EUR."),
    say_later("This offer's next revision is %(number)s. Look at what changed and publish again."),
    say_later("Another offer has the code %(code)s at that time; choose another code or another time."),
    say_later("A book has at most %(most)s offers; retire those that have ended."),
    say_later("Name at most %(most)s offers at a time."),
    say_later("Offers begin and end in the years %(first)s to %(last)s."),
    say_later("There is no merchant %(name)s; write a short name as in the address of their page."),
    say_later("There is no product %(name)s; write the last part of its page's address, or its id."),
    say_later("There is no variant %(name)s; write merchant/SKU, or its id."),
    say_later("This line is no JSON: %(error)s. Write one offer a line."),
    say_later("This is no JSON: %(error)s."),
)
"""Sentences with something in them that differs; the more particular one stands before the more general."""

_GAP = re.compile(r"%\((\w+)\)s")


def _pattern(text: str) -> re.Pattern[str]:
    """Texts and the names of gaps take turns."""
    parts = _GAP.split(text)
    found = [f"(?P<{part}>.+?)" if place % 2 else re.escape(part) for place, part in enumerate(parts)]
    return re.compile("".join(found), re.DOTALL)


_KNOWN = tuple((_pattern(text), text) for text in (*PATTERNS, *refused.PATTERNS))
_SENTENCES = frozenset({"what", "why"})
"""Gaps that are filled with words of the rules in their turn."""

LONGEST = 500
"""Letters of a sentence up to which its pattern is looked for."""


def said(translate: Callable[[str], str], text: str) -> str:
    """A sentence of the rules in the words' language; as it is where nothing like it is known."""
    found = translate(text)
    if found != text or len(text) > LONGEST:
        return found
    for pattern, template in _KNOWN:
        if match := pattern.fullmatch(text):
            gaps = match.groupdict()
            return translate(template) % {
                name: said(translate, gap) if name in _SENTENCES else gap for name, gap in gaps.items()
            }
    return text
