"""Drafts on past carts: asked for by form, run by the worker, and what they found."""

from collections.abc import Sequence

import msgspec
from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.offering.document import SCHEMA
from nightmarket.entrypoints.offering.files import Fault
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.entrypoints.simulating.runs import JOB, OWN, SIMULATION, Simulating, read_report, sources
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import pick
from nightmarket.kernel.problems import NotFound
from nightmarket.platform import jobs
from nightmarket.platform.jobs import JobDesk, JobNotFound, JobRequest, JobState, JobStatus
from nightmarket.promotions.contract import Offer
from nightmarket.promotions.contract.festivals import FESTIVAL

from .results import view
from .trial import DAYS, MOST_PLANNED, WRITTEN, read_trial

HERE = "/console/simulator"
JOBS_READ = 200
SHOWN = 20
AT_WORK = (JobState.QUEUED, JobState.RUNNING)
STATES = {
    JobState.QUEUED: (say_later("waiting"), "warn"),
    JobState.RUNNING: (say_later("running"), "warn"),
    JobState.DONE: (say_later("done"), "good"),
    JobState.FAILED: (say_later("failed"), "danger"),
    JobState.CANCELLED: (say_later("stopped"), ""),
}
SPANS = {
    7: say_later("the last 7 days"),
    30: say_later("the last 30 days"),
    90: say_later("the last 90 days"),
    365: say_later("the last year"),
}


class RunView(msgspec.Struct, frozen=True):
    """A simulation in the list, or by itself."""

    ident: str
    title: str
    source: str
    job: JobStatus
    asked: Simulating

    @property
    def at_work(self) -> bool:
        return self.job.state in AT_WORK


async def show(desk: Desk) -> ASGIResponse:
    """The form, and the newest simulations."""
    return await _page(desk, Form({"what": WRITTEN, "source": OWN, "days": "30"}))


async def begin(desk: Desk) -> ASGIResponse:
    """Ask the worker for a simulation."""
    form, files = await desk.upload()
    sent: Sequence[bytes] = files.get("file", ())
    body = sent[0] if sent else form.get("text").encode()
    if sent:
        form.values["text"] = body.decode("utf-8-sig", "replace")[:400_000]
    asked, faults = await read_trial(desk, form, body)
    if asked is None:
        return await _page(desk, form, 422, faults)
    ident = encode(SIMULATION, asked.run)
    async with desk.acting("simulations.begin", ident, asked.title) as tx:
        request = JobRequest(ident, JOB, str(desk.actor.id), asked)
        await JobDesk(desk.shop.clock).request(tx, [request])
    return desk.redirect(f"{HERE}/{ident}")


async def show_one(desk: Desk) -> ASGIResponse:
    """How far it is, or what it found."""
    run = await _run(desk)
    kept = read_report(desk.shop.settings.home, run.asked.run) if run.job.state is JobState.DONE else None
    result = None if kept is None else await view(desk, kept)
    return desk.page("trials/result.html", run=run, result=result, kept=kept, states=STATES, here=HERE)


async def show_progress(desk: Desk) -> ASGIResponse:
    """How far it is, for the script; at the end the whole page is loaded again."""
    run = await _run(desk)
    answer = desk.page("trials/progress.html", run=run, states=STATES)
    if not run.at_work:
        answer.headers.add("hx-refresh", "true")
    return answer


async def stop(desk: Desk) -> ASGIResponse:
    """Ask it to stop."""
    await desk.form()
    run = await _run(desk)
    async with desk.acting("simulations.stop", run.ident, run.title) as tx:
        await JobDesk(desk.shop.clock).cancel(tx, [run.ident])
    return desk.redirect(f"{HERE}/{run.ident}")


async def _run(desk: Desk) -> RunView:
    ident = encode(SIMULATION, desk.id(SIMULATION))
    try:
        async with desk.shop.database.read() as connection:
            return _view(desk, await jobs.status(connection, ident))
    except JobNotFound:
        raise NotFound("There is no such simulation; it may be older than what is kept.", field="id") from None


def _view(desk: Desk, job: JobStatus) -> RunView:
    asked = msgspec.msgpack.decode(job.arguments, type=Simulating)
    source = asked.source
    if source == OWN:
        days = (asked.now - asked.since).days
        source = desk.say(say_later("own orders of %(span)s"), span=desk.say(SPANS.get(days, SPANS[DAYS[0]])))
    return RunView(job.id, asked.title, source, job, asked)


async def _page(desk: Desk, form: Form, status: int = 200, faults: Sequence[Fault] = ()) -> ASGIResponse:
    planned: list[Offer] = []
    async with desk.shop.database.read() as connection:
        found = await jobs.page(connection, None, JOBS_READ)
        async for page in desk.shop.standings.live(connection):
            planned += [one for one in page if one.starts_at > desk.now and not one.is_limit]
            if len(planned) > MOST_PLANNED:
                break
    planned = sorted(planned, key=lambda one: (one.starts_at, one.id))[:MOST_PLANNED]
    runs = [_view(desk, one) for one in found if one.name == JOB][:SHOWN]
    language = desk.visit.language
    return desk.page(
        "trials/list.html",
        status=status,
        form=form,
        faults=faults,
        chosen=set(form.lists.get("offer", ())),
        planned=[(encode("off", one.id), pick(one.name, language) or "–", one.starts_at) for one in planned],
        festivals=[(encode(FESTIVAL, one.id), pick(one.name, language) or "–") for one in desk.shop.festivals.all()],
        sources=[(OWN, desk.say(say_later("This shop's own paid orders")))]
        + [(name, name) for name in sources(desk.shop.settings.home)],
        spans=[(str(days), desk.say(words)) for days, words in SPANS.items()],
        runs=runs,
        states=STATES,
        schema=SCHEMA,
        here=HERE,
    )
