"""Every room that has pages: the prefix of its templates and its folder, with `templates/` and `locale/` in it.

The search for texts to translate goes by this list too, so that each room keeps its own words.
"""

from pathlib import Path

ENTRYPOINTS = Path(__file__).parent

ROOMS: dict[str, Path] = {
    prefix: ENTRYPOINTS / folder
    for prefix, folder in {
        "pages": "pages",
        "shop": "storefront",
        "goods": "storefront/goods",
        "search": "storefront/search",
        "account": "storefront/account",
        "wishes": "storefront/wishes",
        "bookings": "storefront/bookings",
        "merchants": "storefront/merchants",
        "gate": "storefront/gate",
        "draws": "storefront/draws",
        "presales": "storefront/presales",
        "groups": "storefront/groups",
        "coupons": "storefront/coupons",
        "places": "storefront/places",
        "wallet": "storefront/wallet",
        "festival": "storefront/festival",
        "console": "console",
        "imports": "console/imports",
        "offers": "console/offers",
        "selling": "console/selling",
        "people": "console/people",
        "content": "console/content",
        "crowd": "console/crowd",
        "rehearsal": "console/rehearsal",
        "gates": "console/gate",
        "prizes": "console/draws",
        "preselling": "console/presales",
        "trials": "console/simulator",
        "gatherings": "console/groups",
        "alliances": "console/collaborations",
        "couponry": "console/coupons",
        "segments": "console/segments",
        "webhooks": "console/webhooks",
        "outside": "console/claims",
        "festivals": "console/festival",
        "venues": "console/places",
        "purses": "console/wallets",
    }.items()
}
"""A room inside another room's folder has its own words; the outer one doesn't look into it."""
