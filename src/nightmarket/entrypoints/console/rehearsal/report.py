"""The report for people: one HTML file without anything from elsewhere, for a phone and a desk, by day and by night.

It is written in the language that was asked for, and put into words anew for whoever reads it at the console.
"""

from collections.abc import Callable, Sequence
from html import escape
from importlib.resources import files

from nightmarket.entrypoints.pages.words import TAGS, say_later
from nightmarket.rehearsal.contract import (
    MICROSECONDS,
    CheckLine,
    Result,
    Run,
    plots,
    reasons_of,
    worries_of,
)

from .drawing import drawn
from .refusals import counted
from .speech import Speech, speech_of

BUDGET_US = 134.0
"""What an order may cost on two cores at the goal, by DESIGN's aim: 14,931 a second."""

CODES_SHOWN = 12
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
TEXT = ' class="text"'

ANSWERS = (
    say_later("Every order that was acknowledged is in the database."),
    say_later("Each has the total, currency and payment that its buyer was told."),
    say_later("No order was placed or paid twice."),
    say_later("No more units are in orders than there are."),
    say_later("Every unit is in an order or free to be bought."),
    say_later("The provider keeps nothing but what paid orders cost."),
    say_later("Every paid order's money is at the provider."),
    say_later("Every consumer of facts has caught up."),
)
"""What is asked from outside, in the judge's words, so that they are translated."""

SENTENCES = (
    say_later("%(what)s Off: %(amount)s."),
    say_later("The shop's own audit finds %(amount)s rows off: %(what)s"),
    say_later("The shop's own audit looked at nothing."),
    say_later("%(fault)s was asked for and never struck (%(t)s s): %(why)s"),
    say_later("%(fault)s at %(t)s s: service did not come back."),
    say_later("Nothing was sold, so nothing was rehearsed."),
    say_later("It was ended before its time, so what would have come then was not rehearsed."),
    say_later("Of %(planned)s orders that were planned only %(tried)s came to be asked for."),
    say_later("While nothing was made to fail, %(share)s %% of the requests got no answer."),
    say_later("Requests that failed: %(failed)s; some of them though nothing was made to fail."),
    say_later("In the slowest seconds a hundredth of the answers took over %(seconds)s s."),
    say_later("Too little was sold in quiet stretches to say what an order costs."),
    say_later("Orders that stand and of which no shopper was told to the end, since they left before: %(amount)s."),
    say_later("The machine was used up: %(cores)s cores at the busiest."),
    say_later(
        "Answers took long though only %(cores)s cores were used: the shop waited for something else than a processor."
    ),
    say_later("Those who play the shoppers could not ask for more (%(players)s cores); give them more --processes."),
    say_later(
        "Those who play the shoppers used %(players)s cores beside the shop's %(shop)s; play them from another "
        "machine to see the shop's own end."
    ),
    say_later("Others used %(others)s cores of this machine meanwhile, so the shop had less."),
)
"""What the verdict says, in its words, so that they are translated; a test holds both alike."""


def writer(language: str) -> Callable[[Result, Run], str]:
    """Who writes reports in a language."""
    speech = speech_of(language)
    return lambda result, run: render(result, run, speech)


def render(result: Result, run: Run, speech: Speech | None = None) -> str:
    """The whole page."""
    told = speech or speech_of("en")
    style = (files("nightmarket.entrypoints.console.rehearsal") / "report.css").read_text()
    word = told.say("Go") if result.go else told.say("No go")
    title = told.say("%(word)s: rehearsal %(run)s", word=word, run=result.run)
    sections = [_head(result, run, word, told), _reasons(result, told), _answers(result, told), _faults(result, told)]
    words = plots.Wording(
        nothing=told.say("Nothing was measured."),
        table=told.say("Table"),
        time=told.say("Time"),
        mean=told.translate(say_later("mean of every %(seconds)s s")),
        fault=told.say("a fault, until service was back"),
        number=told.number,
    )
    figures = "".join(plots.draw(plot, words) for plot in drawn(result, run, told))
    label = told.say("Plots")
    sections.append(f'<section class="plots" aria-label="{escape(label)}">{figures}</section>')
    sections += [_limit(result, told), _costs(result, told), _refusals(result, told), _audit(result, told)]
    return (
        f'<!doctype html><html lang="{TAGS[told.language]}"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"><style>{style}</style></head>'
        f"<body><main>{''.join(sections)}</main></body></html>\n"
    )


def _head(result: Result, run: Run, word: str, told: Speech) -> str:
    figures, say, number = result.figures, told.say, told.number
    there = say("%(present)s of %(all)s are there", present=number(figures.present), all=number(figures.acknowledged))
    facts = [
        (say("acknowledged orders"), there),
        (say("oversold"), say("%(amount)s units", amount=number(figures.oversold_units))),
        (say("undersold"), say("%(amount)s units", amount=number(figures.undersold_units))),
        (say("money without order"), number(figures.money_without_order)),
        (say("orders without money"), number(figures.order_without_money)),
        (say("best ten seconds"), say("%(rate)s orders/s", rate=number(figures.peak_per_second))),
        (say("with quick answers"), say("%(rate)s orders/s", rate=number(figures.held_per_second))),
        (say("came to rest within"), f"{number(figures.settled_seconds)} s"),
    ]
    cells = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts)
    mood, eyebrow = "go" if result.go else "nogo", say("Rehearsal %(run)s", run=result.run)
    asked = say(
        "%(length)s against %(address)s, seed %(seed)s, %(cores)s cores, faults asked for: %(faults)s.",
        length=told.minutes(result.minutes),
        address=run.plan.against,
        seed=result.seed,
        cores=result.cores,
        faults=", ".join(run.plan.faults) or say("none"),
    )
    judged = say("Judged %(at)sZ, Nightmarket %(version)s.", at=result.judged_at[:19], version=result.version)
    return (
        f'<header class="{mood}"><p class="eyebrow">{escape(eyebrow)}</p>'
        f"<h1>{escape(word)}</h1><p>{escape(asked)} {escape(judged)}</p></header><dl>{cells}</dl>"
    )


def _reasons(result: Result, told: Speech) -> str:
    reasons = reasons_of(result.answers, result.audit, result.figures, result.faults)
    worries = worries_of(result.figures, result.limit, result.costs)
    said = ""
    for heading, lines in ((told.say("Why not"), reasons), (told.say("Worth knowing"), worries)):
        if lines:
            items = "".join(f"<li>{escape(told.tell(line))}</li>" for line in lines)
            said += f"<h2>{escape(heading)}</h2><ul>{items}</ul>"
    return f"<section>{said}</section>" if said else ""


def _answers(result: Result, told: Speech) -> str:
    rows = ""
    for one in result.answers:
        rows += (
            f'<tr class="{"off" if one.off else "holds"}"><th scope="row">{escape(told.translate(one.holds))}'
            f"{_found([told.rules(line) for line in one.found])}</th><td>{told.number(one.looked_at)}</td>"
            f"<td>{escape(_holds(one.off, told))}</td></tr>"
        )
    return _table(
        told.say("Asked from outside"),
        _heads(told.say("What must hold"), told.say("Looked at"), told.say("Answer")),
        rows,
    )


def _faults(result: Result, told: Speech) -> str:
    if not result.faults:
        return ""
    rows = ""
    for one in result.faults:
        back = told.say("could not strike") if one.refused else told.say("not back")
        if one.down_seconds is not None:
            back = f"{told.number(one.down_seconds)} s"
        rows += (
            f'<tr><th scope="row">{escape(one.fault)}</th><td>{told.number(one.t)} s</td><td>{escape(back)}</td>'
            f'<td class="text">{escape(told.rules(one.detail))}</td></tr>'
        )
    heads = _heads(told.say("Fault"), told.say("Struck, after midnight"), told.say("Service back after"))
    done = told.say("What was done")
    heads += f'<th scope="col"{TEXT}>{escape(done)}</th>'
    return _table(told.say("Faults"), heads, rows)


def _limit(result: Result, told: Speech) -> str:
    """Whose cores they were at the busiest, and what the waiting room is told."""
    limit = result.limit
    if limit is None:
        return ""
    lines = [
        (told.say("the shop"), limit.shop_cores),
        (told.say("those who play the shoppers (Locust and the rehearsal itself)"), limit.generator_cores),
        (told.say("others on this machine"), limit.others_cores),
        (told.say("together"), limit.machine_cores),
    ]
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{told.number(cores)}</td></tr>' for name, cores in lines
    )
    said = ""
    if result.capacity_per_second is not None:
        rate = told.number(result.capacity_per_second)
        text = (
            say_later(
                "At least %(rate)s orders a second: the limit was not reached. Rooms that follow it let in 75 %%."
            )
            if result.capacity_at_least
            else say_later("This shop takes %(rate)s orders a second here. Rooms that follow it let in 75 %%.")
        )
        said = f"<p>{escape(told.say(text, rate=rate))}</p>"
    heads = _heads(told.say("Whose"), told.say("Cores at the busiest"))
    return _table(told.say("Where the limit is"), heads, rows, said)


def _costs(result: Result, told: Speech) -> str:
    number = told.number
    rows = ""
    for one in result.costs:
        spread = told.say("%(low)s to %(high)s", low=number(one.low_us), high=number(one.high_us))
        rows += (
            f'<tr><th scope="row">{escape(one.part)}</th><td>{number(one.mean_us)}</td><td>{escape(spread)}</td></tr>'
        )
    if not rows:
        return ""
    total = sum(one.mean_us for one in result.costs)
    both = told.say("together")
    rows += f'<tr><th scope="row">{escape(both)}</th><td>{number(total)}</td><td></td></tr>'
    title = told.say(
        "An order with all that belongs to it cost %(cost)s µs of processor time; an order alone may cost %(budget)s",
        cost=number(total),
        budget=number(BUDGET_US),
    )
    most = told.say(
        "So %(cores)s cores make %(rate)s of these orders a second at most.",
        cores=number(result.cores),
        rate=number(round(result.cores * MICROSECONDS / total, 1)),
    )
    heads = _heads(told.say("Part"), told.say("µs an order"), told.say("lowest and highest tenth"))
    return _table(title, heads, rows, f"<p>{escape(most)}</p>")


def _refusals(result: Result, told: Speech) -> str:
    """What was refused and what failed, in words."""
    said = ""
    for name, counts in ((told.say("Refused"), result.figures.refused), (told.say("Errors"), result.figures.errors)):
        if counts:
            items = "".join(f"<li>{escape(line)}</li>" for line in counted(told, counts, CODES_SHOWN))
            said += f"<h2>{escape(name)}</h2><ul>{items}</ul>"
    return f"<section>{said}</section>" if said else ""


def _audit(result: Result, told: Speech) -> str:
    rows = "".join(_checked(line, told) for line in result.audit)
    return _table(told.say("The shop's own audit"), _heads(told.say("What must hold"), told.say("Answer")), rows)


def _checked(line: CheckLine, told: Speech) -> str:
    return (
        f'<tr class="{"off" if line.off else "holds"}"><th scope="row">{escape(told.translate(line.holds))}'
        f"{_found(line.found)}</th><td>{escape(_holds(line.off, told))}</td></tr>"
    )


def _holds(off: int, told: Speech) -> str:
    return told.say("%(amount)s off", amount=told.number(off)) if off else told.say("it holds")


def _found(lines: Sequence[str]) -> str:
    found = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<ul>{found}</ul>" if found else ""


def _heads(*names: str) -> str:
    return "".join(f'<th scope="col">{escape(name)}</th>' for name in names)


def _table(title: str, heads: str, rows: str, said: str = "") -> str:
    return (
        f'<section><h2>{escape(title)}</h2>{said}<div class="scroll" tabindex="0" role="region" '
        f'aria-label="{escape(title)}"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div></section>'
    )
