"""What a shopper does with the festival: reminders by mail and push, an own calendar, and no more of either."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, FromQuery
from litestar.response.base import ASGIResponse

from nightmarket.engagement.contract.profiles import Purpose
from nightmarket.engagement.contract.reminders import LEADS, USUAL_LEAD_MINUTES, Reminder, Way
from nightmarket.engagement.errors import TooManyReminders
from nightmarket.entrypoints.pages import Form, Visit
from nightmarket.entrypoints.pages.problem_page import NOBODY
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.entrypoints.storefront.storefront import Storefront, TheStore, id_of
from nightmarket.kernel.ids import decode, derive, encode
from nightmarket.kernel.languages import pick
from nightmarket.kernel.problems import InvalidInput, NotFound, Problem
from nightmarket.platform import webpush
from nightmarket.platform.access.signing import decode_base64
from nightmarket.platform.http import address_key, marks_of
from nightmarket.platform.webpush import PUSH, PushTwin, Subscription
from nightmarket.promotions.contract.festivals import PHASE, Phase

from .calendar import followed, phases, written

PATH = "/festival/reminders"
PER_VISITOR = 60
WINDOW = timedelta(hours=1)
ICS = "text/calendar; charset=utf-8"

DONE = {
    "asked": say_later("We will remind you."),
    "again": say_later("You will be reminded of that already."),
    "stopped": say_later("You will not be reminded of it."),
    "calendar": say_later("This is the address of your calendar. An older one is worth nothing now."),
}
SIGN_IN = say_later("Sign in to be reminded by mail, or let this browser remind you.")
NO_PUSH = say_later("This browser did not say how it can be reached. Ask for a mail instead.")
FULL = say_later("You wait for 100 reminders already. Take one off first.")
OVER = say_later("That has begun already.")


class Asked(msgspec.Struct, frozen=True):
    """A reminder that is open, in words."""

    ident: str
    phase: Phase
    way: str
    due_at: Any


@get(PATH, include_in_schema=False)
async def reminders(
    request: Request[Any, Any, Any], store: TheStore, done: FromQuery[str | None] = None
) -> ASGIResponse:
    """What is ahead, what one will hear of, and one's own calendar."""
    return await _page(store, await store.site.visit(request.scope), done=done or "")


async def _page(
    store: Storefront, visit: Visit, *, done: str = "", problem: str = "", status: int = 200
) -> ASGIResponse:
    shop = store.shop
    now = shop.clock.now()
    moment = shop.festivals.moment(now)
    ahead = [phase for phase in moment.festival.phases if phase.starts_at > now] if moment else []
    names = {phase.id: phase for festival in shop.festivals.all() for phase in festival.phases}
    async with shop.database.read() as connection:
        asked = await shop.reminders.open(connection, visit.owner)
        token = await shop.reminders.calendar_at(connection, visit.owner)
    feed = f"{shop.settings.address}/festival/calendar/{token}.ics" if token else ""
    return await store.page(
        visit,
        "festival/reminders.html",
        status=status,
        moment=moment,
        ahead=[(encode(PHASE, phase.id), phase) for phase in ahead],
        festival_formats=visit.formats.within(moment.festival.zone_info) if moment else visit.formats,
        asked=[
            Asked(encode("rem", one.id), names[one.phase], one.way.value, one.due_at)
            for one in asked
            if one.phase in names
        ],
        leads=LEADS,
        usual=USUAL_LEAD_MINUTES,
        feed=feed,
        webcal=f"webcal://{urlsplit(feed).netloc}{urlsplit(feed).path}" if feed else "",
        push_key=shop.push_keys.public,
        twin=_has_twin(store),
        signed_in=visit.account is not None,
        done=visit.say(DONE[done]) if done in DONE else "",
        problem=problem,
    )


def _has_twin(store: Storefront) -> bool:
    return store.shop.settings.demo and store.shop.settings.is_loopback


@post(PATH, include_in_schema=False)
async def ask(request: Request[Any, Any, Any], store: TheStore) -> ASGIResponse:
    """Remember to remind: by mail for an account, which says yes by asking; by push for a browser that agreed."""
    visit, shop = await store.site.visit(request.scope), store.shop
    form = store.site.form(visit, await request.body())
    phase = _phase(store, form)
    now, lead = shop.clock.now(), form.number("lead", USUAL_LEAD_MINUTES)
    lead = lead if lead in LEADS else USUAL_LEAD_MINUTES
    by_mail = form.get("way") == Way.MAIL.value
    if phase is None or phase.starts_at <= now:
        return await _page(store, visit, problem=visit.say(OVER), status=422)
    if by_mail and visit.account is None:
        return await _page(store, visit, problem=visit.say(SIGN_IN), status=422)
    await shop.access.allowances.take(f"reminders:{address_key(marks_of(request.scope).address)}", PER_VISITOR, WINDOW)
    try:
        async with shop.database.transaction() as tx:
            target = "account"
            if by_mail:
                await shop.profiles.decide(tx, visit.owner, Purpose.REMINDERS, True, visit.language)
            else:
                subscription = await _subscription(store, visit, form, tx)
                await webpush.subscribe(tx, shop.push_outside, subscription)
                target = encode(PUSH, subscription.id)
            wanted = Reminder(
                id=shop.ids.new(),
                owner=visit.owner,
                phase=phase.id,
                way=Way.MAIL if by_mail else Way.PUSH,
                target=target,
                language=visit.language,
                lead_minutes=lead,
                asked_at=now,
                due_at=phase.starts_at - timedelta(minutes=lead),
            )
            fresh = await shop.reminders.ask(tx, wanted)
    except TooManyReminders as refused:
        return await _page(store, visit, problem=visit.say(FULL), status=refused.status)
    except Problem as refused:
        return await _page(store, visit, problem=visit.say(NO_PUSH), status=refused.status)
    return store.site.redirect(visit, f"{PATH}?done={'asked' if fresh else 'again'}")


def _phase(store: Storefront, form: Form) -> Phase | None:
    wanted = id_of(PHASE, form.get("phase"))
    known = [phase for one in store.shop.festivals.all() if one.shown for phase in one.phases]
    return next((phase for phase in known if phase.id == wanted), None)


async def _subscription(store: Storefront, visit: Visit, form: Form, tx: Any) -> Subscription:
    """What the browser said of itself, or in the demo a browser of the twin's. Its id follows from its endpoint."""
    shop = store.shop
    if form.get("twin") == "1" and _has_twin(store):
        own: Sequence[Subscription] = await webpush.of_owner(tx, visit.owner)
        beside = [one for one in own if one.endpoint.startswith(f"{shop.settings.address}/push-twin/")]
        if beside:
            return beside[0]
        return await PushTwin(shop.database, shop.clock, shop.ids, shop.settings.address).browser(tx, visit.owner)
    keys = decode_base64(form.get("p256dh").rstrip("=")), decode_base64(form.get("auth").rstrip("="))
    if not form.get("endpoint") or keys[0] is None or keys[1] is None:
        raise InvalidInput(NO_PUSH, field="endpoint")
    return Subscription(
        id=derive("push", form.get("endpoint"), visit.owner),
        owner=visit.owner,
        endpoint=form.get("endpoint"),
        p256dh=keys[0],
        auth=keys[1],
        made_at=shop.clock.now(),
    )


@post(f"{PATH}/stop", include_in_schema=False)
async def stop(request: Request[Any, Any, Any], store: TheStore) -> ASGIResponse:
    """Forget one reminder; one that is gone already is fine."""
    visit = await store.site.visit(request.scope)
    form = store.site.form(visit, await request.body())
    async with store.shop.database.transaction() as tx:
        await store.shop.reminders.stop(tx, visit.owner, id_of("rem", form.get("reminder")))
    return store.site.redirect(visit, f"{PATH}?done=stopped")


@post("/festival/calendar", include_in_schema=False)
async def renew_calendar(request: Request[Any, Any, Any], store: TheStore) -> ASGIResponse:
    """An address for the own calendar; another one for whoever gave the old one away."""
    visit = await store.site.visit(request.scope)
    store.site.form(visit, await request.body())
    async with store.shop.database.transaction() as tx:
        await store.shop.reminders.calendar(tx, visit.owner, store.shop.clock.now(), anew=True)
    return store.site.redirect(visit, f"{PATH}?done=calendar")


@get("/festival/calendar.ics", include_in_schema=False)
async def calendar(request: Request[Any, Any, Any], store: TheStore) -> ASGIResponse:
    """Every phase of the festivals, as a file and as a feed."""
    shop = store.shop
    visit = store.site.anonymous(request.scope, NOBODY, NOBODY.actor.id)
    found = phases(shop.festivals.all(), visit.language, shop.settings.address)
    moment = shop.festivals.moment(shop.clock.now())
    name = pick(moment.festival.name, visit.language) if moment else "Nightmarket"
    return _ics(written(found, name or "Nightmarket", _host(store), shop.clock.now()), "public, max-age=300")


@get("/festival/calendar/{token:str}", include_in_schema=False)
async def own_calendar(request: Request[Any, Any, Any], store: TheStore, token: FromPath[str]) -> ASGIResponse:
    """Phases and what its owner follows; whoever has the address may read it, as calendars bring no cookies."""
    shop = store.shop
    async with shop.database.read() as connection:
        owner = await shop.reminders.calendar_of(connection, token.removesuffix(".ics"))
        profile = (await shop.profiles.of(connection, [owner])).get(owner) if owner else None
    if owner is None:
        raise NotFound("There is no such calendar.")
    visit = await store.site.visit(request.scope)
    language = profile.language if profile else visit.language
    entries = phases(shop.festivals.all(), language, shop.settings.address)
    entries.extend(await followed(shop, owner, language))
    return _ics(written(entries, "Nightmarket", _host(store), shop.clock.now()), "private, max-age=300")


def _host(store: Storefront) -> str:
    return urlsplit(store.shop.settings.address).hostname or "nightmarket"


def _ics(body: bytes, cache: str) -> ASGIResponse:
    headers = {"cache-control": cache, "content-disposition": 'inline; filename="festival.ics"'}
    return ASGIResponse(body=body, media_type=ICS, headers=headers)


@get("/festival/stop/{token:str}", include_in_schema=False)
async def show_stop(request: Request[Any, Any, Any], store: TheStore, token: FromPath[str]) -> ASGIResponse:
    """The question whether no further reminder shall come; what opens it is the link of a reminder."""
    visit = await store.site.visit(request.scope)
    known = store.shop.reminder_links.read(token) is not None
    return await store.page(
        visit, "festival/stop.html", status=200 if known else 404, token_text=token, known=known, stopped=False
    )


@post("/festival/stop/{token:str}", include_in_schema=False)
async def stop_all(request: Request[Any, Any, Any], store: TheStore, token: FromPath[str]) -> ASGIResponse:
    """Forget all open reminders of whoever the link belongs to, and that they agreed to mails."""
    visit, shop = await store.site.visit(request.scope), store.shop
    store.site.form(visit, await request.body())
    owner = shop.reminder_links.read(token)
    if owner is None:
        raise NotFound("This link is too old; stop reminders on the festival's page.")
    async with shop.database.transaction() as tx:
        await shop.reminders.stop(tx, owner)
        if owner in await shop.profiles.of(tx, [owner]):
            await shop.profiles.decide(tx, owner, Purpose.REMINDERS, False, visit.language)
    return await store.page(visit, "festival/stop.html", token_text=token, known=True, stopped=True)


@get("/push-worker.js", include_in_schema=False)
async def push_worker(store: TheStore) -> ASGIResponse:
    """The script that shows what is pushed; it lies at the root, since it answers for the whole shop."""
    body = store.site.static.body("push_worker.js")
    headers = {"cache-control": "no-cache", "service-worker-allowed": "/"}
    return ASGIResponse(body=body, media_type="text/javascript; charset=utf-8", headers=headers)


@post("/push-twin/{id:str}", include_in_schema=False)
async def push_twin(request: Request[Any, Any, Any], store: TheStore, id: FromPath[str]) -> ASGIResponse:
    """The demo's own push service; elsewhere there is none."""
    shop = store.shop
    if not (_has_twin(store) or shop.settings.loopback_agents):
        raise NotFound("There is nothing at this address.")
    try:
        wanted = decode(PUSH, id)
    except InvalidInput:
        raise NotFound("There is nothing at this address.") from None
    twin = PushTwin(shop.database, shop.clock, shop.ids, shop.settings.address)
    status = await twin.receive(wanted, dict(request.headers.items()), await request.body())
    return ASGIResponse(status_code=status, headers={"cache-control": "no-store"})


ROUTES = [reminders, ask, stop, renew_calendar, calendar, own_calendar, show_stop, stop_all, push_worker, push_twin]
