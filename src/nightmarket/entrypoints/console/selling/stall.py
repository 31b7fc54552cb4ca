"""The stall itself: what the merchant says of itself and its terms of sale, and the places where its stock lies."""

from litestar.response.base import ASGIResponse

from nightmarket.catalog.contract import Merchant, MerchantProfile, MerchantState, Texts
from nightmarket.catalog.errors import EntryRefused, VersionConflict
from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.stalls import count_upload, own
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import LANGUAGES
from nightmarket.platform.media import Media

from .drafts import words_of

PATH = "/console/selling/stall"
PLACES = "/console/selling/places"
PARTS = ("tagline", "story", "terms")
MAX_PLACES = 50
CHANGED = say_later("Somebody changed this while you typed. What you typed is still here; save again to replace it.")


async def show(desk: Desk) -> ASGIResponse:
    """The profile as it is."""
    merchant = await own(desk)
    values = {
        "version": str(merchant.version),
        "name": merchant.name,
        "email": merchant.email or "",
        "country": merchant.country or "",
        "hue": str(merchant.hue),
    }
    for part in PARTS:
        texts: Texts = getattr(merchant, part)
        values |= {f"{part}-{code}": text for code, text in texts.items()}
    return await _page(desk, merchant, Form(values))


async def save(desk: Desk) -> ASGIResponse:
    """Change what the stall says of itself. State, commission and address in the shop are not the merchant's."""
    form, files = await desk.upload()
    merchant = await own(desk)
    if files:
        await count_upload(desk, merchant)
    image = await _picture(desk, form, files.get("picture", []), merchant)
    if form.errors:
        return await _page(desk, merchant, form, 422)
    texts = {part: {code: form.get(f"{part}-{code}") for code in LANGUAGES} for part in PARTS}
    profile = MerchantProfile(
        slug=merchant.slug,
        name=form.get("name"),
        tagline=_filled(texts["tagline"]),
        story=_filled(texts["story"]),
        image=image,
        hue=min(form.number("hue", merchant.hue), 359),
        email=form.get("email") or None,
        country=form.get("country") or None,
        terms=_filled(texts["terms"]),
    )
    try:
        async with desk.acting("stall.profile", encode("mer", merchant.id), profile.name) as tx:
            await desk.shop.editor.save_profile(tx, merchant.id, profile, form.number("version", 0))
    except EntryRefused as problem:
        for flaw in problem.fields.get("flaws") or ():
            form.wrong(_field(str(flaw["field"])), words_of(flaw["code"], desk.visit))
        return await _page(desk, merchant, form, 422)
    except VersionConflict as problem:
        form.values["version"] = str(problem.fields.get("current", 0))
        return await _page(desk, merchant, form, problem.status, notice=desk.say(CHANGED))
    again = merchant.state is MerchantState.DECLINED
    return desk.redirect(f"{PATH}?done={'applied-again' if again else 'stall-saved'}")


async def show_places(desk: Desk) -> ASGIResponse:
    """The places by code, each with its names, and room for one more."""
    return await _places_page(desk, Form())


async def save_places(desk: Desk) -> ASGIResponse:
    """Rename places, and make the one that was typed."""
    form = await desk.form()
    merchant = await own(desk)
    async with desk.reading() as connection:
        there = [place.code for place in await desk.shop.shelf.places(connection, merchant.id)]
    names = {code: _filled({language: form.get(f"{code}-{language}") for language in LANGUAGES}) for code in there}
    names = {code: texts for code, texts in names.items() if texts}
    new = form.get("code").lower()
    if new:
        if new in there:
            form.wrong("code", desk.say(say_later("You have a place of this code already.")))
        names[new] = _filled({language: form.get(f"new-{language}") for language in LANGUAGES})
    if form.errors:
        return await _places_page(desk, form, 422)
    try:
        async with desk.acting("stall.places", encode("mer", merchant.id), ", ".join(names)) as tx:
            await desk.shop.editor.save_places(tx, merchant.id, names)
    except EntryRefused as problem:
        words = say_later("A code has small letters, digits and hyphens, such as munich-2; names are short.")
        form.wrong("code", desk.say(words) if problem.field == "code" else words_of("", desk.visit))
        return await _places_page(desk, form, 422)
    return desk.redirect(f"{PLACES}?done=places-saved")


async def _places_page(desk: Desk, form: Form, status: int = 200) -> ASGIResponse:
    merchant = await own(desk)
    async with desk.reading() as connection:
        places = await desk.shop.shelf.places(connection, merchant.id)
    for place in places:
        for code, text in place.name.items():
            form.values.setdefault(f"{place.code}-{code}", text)
    return desk.page("selling/places.html", status=status, merchant=merchant, places=places, form=form, most=MAX_PLACES)


async def _picture(desk: Desk, form: Form, files: list[bytes], merchant: Merchant) -> str | None:
    """The picture that was sent, else the one that there is; None if it shall go."""
    if not files:
        return None if form.get("drop") == "yes" else merchant.image
    [found] = await desk.shop.library.prepare(files[:1])
    if not isinstance(found, Media):
        words = say_later("This file is no picture that we can show. Send JPEG, PNG or WebP.")
        form.wrong("picture", desk.say(words))
        return merchant.image
    async with desk.shop.database.transaction() as tx:
        await desk.shop.library.record(tx, [found])
    return found.sha256


def _filled(texts: Texts) -> Texts:
    return {code: text.replace("\r\n", "\n") for code, text in texts.items() if text}


def _field(path: str) -> str:
    return path.replace(".", "-")


async def _page(desk: Desk, merchant: Merchant, form: Form, status: int = 200, notice: str = "") -> ASGIResponse:
    return desk.page("selling/stall.html", status=status, merchant=merchant, form=form, notice=notice)
