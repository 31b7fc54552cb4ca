"""What a merchant may say of itself, and which states follow which. Pure."""

import re

import msgspec

from nightmarket.catalog.contract import Merchant, MerchantProfile, MerchantState, Texts
from nightmarket.catalog.errors import MerchantStateRefused, Reason

from . import bounds, checks
from .checks import RowRefused
from .flaws import Flaws
from .reference_rules import check_hue

NEXT: dict[MerchantState, frozenset[MerchantState]] = {
    MerchantState.APPLIED: frozenset({MerchantState.OPEN, MerchantState.DECLINED}),
    MerchantState.OPEN: frozenset({MerchantState.CLOSED}),
    MerchantState.DECLINED: frozenset({MerchantState.OPEN}),
    MerchantState.CLOSED: frozenset({MerchantState.OPEN}),
}
"""What an operator may make of a merchant in that state. One that was declined applies again by a new profile."""

NEEDS_REASON = frozenset({MerchantState.DECLINED, MerchantState.CLOSED})

_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@.]+(?:\.[^\s@.]+)+\Z")
_COUNTRY = re.compile(r"[A-Z]{2}\Z")


def decide(merchant: Merchant, state: MerchantState, reason: str) -> Merchant:
    """The merchant after an operator's decision. Raises MerchantStateRefused, or RowRefused for the reason."""
    if state not in NEXT[merchant.state]:
        raise MerchantStateRefused(
            f"{merchant.name} is {merchant.state.value} and cannot become {state.value}; "
            f"it can become {', '.join(sorted(NEXT[merchant.state]))}.",
            field="state",
            state=merchant.state.value,
            wanted=state.value,
        )
    reason = checks.text(reason, field="reason", limit=bounds.MAX_REASON, lines=True)
    if state in NEEDS_REASON and not reason:
        raise RowRefused("reason", Reason.FIELD_MISSING, "There is no reason.", "Say why, in words for the merchant.")
    return msgspec.structs.replace(merchant, state=state, reason=reason if state in NEEDS_REASON else "")


def with_profile(merchant: Merchant, profile: MerchantProfile, flaws: Flaws) -> Merchant:
    """The merchant with what it says of itself now; slug, state and commission stay."""
    name = flaws.check(lambda: checks.text(profile.name, field="name", limit=bounds.MAX_NAME), "?")
    if not name:
        flaws.note(RowRefused("name", Reason.FIELD_MISSING, "The name is empty.", "Say what the merchant is called."))
    flaws.check(lambda: check_hue(profile.hue), None)

    def words(given: Texts, field: str, limit: int, *, lines: bool = True) -> Texts:
        return flaws.check(lambda: checks.texts(given, field=field, limit=limit, lines=lines), {})

    return msgspec.structs.replace(
        merchant,
        name=name,
        tagline=words(profile.tagline, "tagline", bounds.MAX_TAGLINE, lines=False),
        story=words(profile.story, "story", bounds.MAX_STORY),
        terms=words(profile.terms, "terms", bounds.MAX_TERMS),
        image=profile.image,
        hue=profile.hue,
        email=flaws.check(lambda: check_email(profile.email), None),
        country=flaws.check(lambda: check_country(profile.country), None),
        state=MerchantState.APPLIED if merchant.state is MerchantState.DECLINED else merchant.state,
    )


def check_email(value: str | None) -> str | None:
    """An address to write to; None for an empty one."""
    value = (value or "").strip()
    if value and (len(value) > bounds.MAX_EMAIL or not value.isprintable() or not _EMAIL.match(value)):
        raise RowRefused(
            "email",
            Reason.VALUE_INVALID,
            f"{checks.excerpt(value)} is no e-mail address.",
            "Write it as name@example.com.",
        )
    return value or None


def check_country(value: str | None) -> str | None:
    """Two capital letters (ISO 3166-1 alpha-2); None for an empty one."""
    value = (value or "").strip().upper()
    if value and not _COUNTRY.match(value):
        raise RowRefused(
            "country", Reason.VALUE_INVALID, f"{checks.excerpt(value)} is no country.", "Use two letters, such as DE."
        )
    return value or None
