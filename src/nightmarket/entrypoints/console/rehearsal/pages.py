"""The list with its form, one run, its report, and what the buttons do. Each deed is written down."""

import asyncio
import re
from collections.abc import Sequence

from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.problems import Problem
from nightmarket.rehearsal.contract import Wishes
from nightmarket.rehearsal.errors import FaultRefused, NotRehearsed

from .report import render
from .speech import speech_for
from .views import cards_of, charts_of, events_of, line_of, word_of

HERE = "/console/rehearsals"
MOST_MINUTES, MOST_PEAK, MOST_SEED = 720.0, 100_000.0, 2**53
LEAST_MINUTES, LEAST_PEAK = 0.2, 0.5
FAULTS_LETTERS = 200
MOST_PROCESSES = 64
USUAL = {"seed": "1111", "minutes": "3", "peak": "20", "faults": "", "looks": "1", "processes": "1"}
REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'none'; base-uri 'none'"
)
"""A report is one file with its own styles, that must be readable years later; it may run nothing and load nothing."""

_NUMBER = re.compile(r"[0-9]{1,7}(?:[.,][0-9]{1,2})?")


async def show_list(desk: Desk) -> ASGIResponse:
    """Past runs and the form for a new one."""
    return await _list(desk, Form(dict(USUAL)))


async def begin(desk: Desk) -> ASGIResponse:
    """Begin a rehearsal of this shop, in a process of its own."""
    form = await desk.form()
    minutes = _amount(desk, form, "minutes", LEAST_MINUTES, MOST_MINUTES)
    peak = _amount(desk, form, "peak", LEAST_PEAK, MOST_PEAK)
    looks = _amount(desk, form, "looks", 0, 1)
    processes = round(_amount(desk, form, "processes", 1, MOST_PROCESSES) or 1)
    seed = _seed(desk, form)
    faults = form.get("faults")
    if len(faults) > FAULTS_LETTERS:
        form.wrong("faults", desk.say(say_later("Fewer faults at once, please.")))
    if form.errors or minutes is None or peak is None or seed is None or looks is None:
        return await _list(desk, form, 422)
    detail = f"seed {seed}, {minutes:g} min, {peak:g} orders a second, faults: {faults or 'none'}"
    try:
        await desk.note("rehearsal.ask", "", detail)
        wishes = Wishes(
            seed=seed,
            minutes=minutes,
            peak=peak,
            faults=faults,
            looks=looks,
            processes=processes,
            language=desk.visit.language,
            asked_by=desk.actor.name,
            address=desk.shop.settings.address,
        )
        run = desk.shop.rehearsals.begin(form.get("once"), wishes)
    except (FaultRefused, NotRehearsed) as refused:
        form.wrong("faults" if isinstance(refused, FaultRefused) else "seed", _reason(desk, refused))
        return await _list(desk, form, refused.status)
    return desk.redirect(f"{HERE}/{run}")


async def show(desk: Desk) -> ASGIResponse:
    """One run, while it is played and afterwards."""
    run = desk.part("id")
    look = desk.shop.rehearsals.look(run)
    progress = await asyncio.to_thread(look.progress)
    if progress is None:
        playing = desk.shop.rehearsals.playing() == run
        return desk.page("rehearsal/waiting.html", said=look.said, refused=bool(look.said) and not playing)
    return desk.page(
        "rehearsal/run.html",
        run=run,
        progress=progress,
        length=speech_for(desk.visit).minutes(progress.plan.minutes),
        word=word_of(desk, progress),
        cards=cards_of(desk, progress),
        charts=charts_of(desk, progress),
        events=events_of(desk, progress),
    )


async def stop(desk: Desk) -> ASGIResponse:
    """End it with what was measured."""
    await desk.form()
    run = desk.part("id")
    desk.shop.rehearsals.look(run)
    await desk.note("rehearsal.stop", run)
    desk.shop.rehearsals.stop(run)
    return desk.redirect(f"{HERE}/{run}")


async def report(desk: Desk) -> ASGIResponse:
    """The report in the reader's language, which runs nothing and loads nothing."""
    found = await asyncio.to_thread(desk.shop.rehearsals.judged, desk.part("id"))
    body = (await asyncio.to_thread(render, *found, speech_for(desk.visit))).encode()
    return ASGIResponse(
        body=body,
        headers={
            "content-type": "text/html; charset=utf-8",
            "cache-control": "private, no-store",
            "content-security-policy": REPORT_POLICY,
        },
    )


async def _list(desk: Desk, form: Form, status: int = 200) -> ASGIResponse:
    runs = await asyncio.to_thread(desk.shop.rehearsals.list)
    possible: Sequence[str] = await asyncio.to_thread(desk.shop.rehearsals.faults)
    form.values["once"] = desk.shop.rehearsals.new()
    return desk.page(
        "rehearsal/list.html",
        status=status,
        form=form,
        runs=[line_of(desk, one) for one in runs],
        busy=desk.shop.rehearsals.playing() or "",
        possible=possible,
    )


def _amount(desk: Desk, form: Form, name: str, least: float, most: float) -> float | None:
    text = form.get(name)
    value = float(text.replace(",", ".")) if _NUMBER.fullmatch(text) else -1.0
    if least <= value <= most:
        return value
    number = desk.visit.formats.number
    words = desk.say(
        say_later("Write a number from %(least)s to %(most)s."), least=f"{least:g}", most=number(int(most))
    )
    form.wrong(name, words)
    return None


def _seed(desk: Desk, form: Form) -> int | None:
    text = form.get("seed")
    if text.isascii() and text.isdigit() and len(text) < 16:
        return int(text)
    form.wrong("seed", desk.say(say_later("Write a whole number; the same number gives the same play.")))
    return None


BUSY = say_later("A rehearsal is being played already. Wait for its end, or stop it.")


def _reason(desk: Desk, refused: Problem) -> str:
    return desk.say(BUSY) if isinstance(refused, NotRehearsed) else desk.say(refused.detail)
