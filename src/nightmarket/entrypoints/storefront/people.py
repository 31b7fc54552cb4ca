"""Who takes part: a person is a proven address, by an account or by a code that was sent to it."""

from urllib.parse import quote
from uuid import UUID

from nightmarket.entrypoints.pages import Visit
from nightmarket.entrypoints.storefront.storefront import Storefront
from nightmarket.platform.access import normal_email
from nightmarket.platform.messages import ChannelKind


async def person_of(store: Storefront, visit: Visit) -> UUID | None:
    """The key of the visitor's proven address, the same for an account and a guest with that address; None where
    nothing is proven."""
    identities = store.shop.identities
    if visit.account is not None:
        async with store.shop.database.read() as connection:
            return (await identities.of_accounts(connection, [visit.account])).get(visit.account)
    identity = identities.read(visit.cookies.get(identities.cookie))
    return identity.key if identity is not None else None


def mail_hint(store: Storefront, visit: Visit) -> str:
    """Of a guest who has proven an e-mail address, most of it hidden; empty for others."""
    identity = store.shop.identities.read(visit.cookies.get(store.shop.identities.cookie))
    known = visit.account is None and identity is not None and identity.channel is ChannelKind.MAIL
    return identity.hint if identity is not None and known else ""


def proven_email(store: Storefront, text: str, person: UUID) -> str | None:
    """The address that was written, if it is that person's; the house keeps only its key. Raises InvalidInput."""
    email = normal_email(text)
    return email if store.shop.identities.key_of(email) == person else None


def ways_in(path: str) -> dict[str, str]:
    """Where one proves an address, and comes back from."""
    back = quote(path, safe="")
    return {"sign_in": f"/account/sign-in?next={back}", "confirm": f"/confirm?next={back}"}
