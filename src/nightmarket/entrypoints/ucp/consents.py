"""Buyer consent in UCP's words: purposes with parts, and the plain booleans of the wire version before."""

from collections.abc import Mapping
from functools import lru_cache
from typing import TypeAlias

from msgspec import UNSET

from nightmarket.kernel.languages import pick

from . import wire

LANGUAGES_KEPT = 64
Shown: TypeAlias = dict[str, wire.Consent | bool]
MARKETING = "dev.ucp.consent.marketing"
PURPOSES: dict[str, dict[str, str]] = {
    MARKETING: {
        "en": "News and offers of this shop",
        "de": "Neues und Angebote dieses Ladens",
        "it": "Novità e offerte di questo negozio",
        "zh": "本店的新品与优惠信息",
    },
    f"{MARKETING}.email": {
        "en": "News and offers by e-mail",
        "de": "Neues und Angebote per E-Mail",
        "it": "Novità e offerte via e-mail",
        "zh": "通过电子邮件接收新品与优惠信息",
    },
    f"{MARKETING}.sms": {
        "en": "News and offers by text message",
        "de": "Neues und Angebote per SMS",
        "it": "Novità e offerte via SMS",
        "zh": "通过短信接收新品与优惠信息",
    },
    "dev.ucp.consent.analytics": {
        "en": "Counting how the shop is used",
        "de": "Zählen, wie der Laden genutzt wird",
        "it": "Statistiche sull’uso del negozio",
        "zh": "统计商店的使用情况",
    },
    "dev.ucp.consent.preferences": {
        "en": "Remembering what you like",
        "de": "Merken, was dir gefällt",
        "it": "Ricordare ciò che ti piace",
        "zh": "记住你的喜好",
    },
    "dev.ucp.consent.sale_or_sharing": {
        "en": "Passing personal data on to others",
        "de": "Weitergabe persönlicher Daten an andere",
        "it": "Cessione di dati personali ad altri",
        "zh": "将个人数据提供给第三方",
    },
}
"""What the well-known purposes mean here."""


def consent_given(asked: Mapping[str, wire.ConsentRequest | bool]) -> dict[str, bool]:
    """A platform's consents as orders keep them: purpose, or `purpose/part`. What a platform only hands back to us, our
    own default, is no consent of the buyer and is left out."""
    given: dict[str, bool] = {}
    for purpose, one in asked.items():
        if isinstance(one, bool):
            given[purpose] = one
            continue
        if one.source != "business":
            given[purpose] = one.granted
        for part, refined in one.segments.items():
            if refined.source != "business":
                given[f"{purpose}/{part}"] = refined.granted
    return given


def consent_shown(given: Mapping[str, bool], language: str) -> Shown:
    """What the buyer decided, and that marketing is off where nobody decided; a plain boolean stays one."""
    if not given:
        return _undecided(language)
    shown: Shown = {}
    for name, granted in given.items():
        purpose, _, part = name.partition("/")
        if not part:
            plain = "." not in purpose
            shown[purpose] = granted if plain else wire.Consent(granted, "platform", _text(purpose, language))
    for name, granted in given.items():
        purpose, _, part = name.partition("/")
        if part:
            whole = shown.get(purpose)
            if not isinstance(whole, wire.Consent):
                whole = shown[purpose] = wire.Consent(False, "business", _text(purpose, language))
            parts = {} if whole.segments is UNSET else whole.segments
            whole.segments = parts | {part: wire.Consent(granted, "platform", _text(part, language))}
    if all(isinstance(one, wire.Consent) for one in shown.values()) and MARKETING not in shown:
        shown[MARKETING] = wire.Consent(False, "business", _text(MARKETING, language))
    return shown


@lru_cache(maxsize=LANGUAGES_KEPT)
def _undecided(language: str) -> Shown:
    return wire.encoded({MARKETING: wire.Consent(False, "business", _text(MARKETING, language))})


def _text(purpose: str, language: str) -> str:
    return pick(PURPOSES.get(purpose, {}), language) or purpose
