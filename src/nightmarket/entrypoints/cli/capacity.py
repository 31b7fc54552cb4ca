"""`nightmarket capacity`: how many machines a peak needs."""

import click

from nightmarket.entrypoints.cli.connected import settings_here

MOST_PER_SECOND = 10_000_000.0
MOST_CORES = 1_024


@click.command()
@click.option(
    "--orders-per-second",
    type=click.FloatRange(min=0, max=MOST_PER_SECOND, min_open=True),
    required=True,
    help="The peak that is to be held.",
)
@click.option(
    "--from",
    "where",
    default="",
    metavar="RUN",
    help="A rehearsal's id or folder, or a file of `nightmarket bench`. Default: this home's newest rehearsal.",
)
@click.option(
    "--cores", type=click.IntRange(1, MOST_CORES), help="Cores of one machine. Default: as where it was measured."
)
def capacity(*, orders_per_second: float, where: str, cores: int | None) -> None:
    """Say how many machines a peak needs, from the processor time that an order cost where it was measured.

    A fifth of each machine stays free. Beyond twice the measured rate nobody has looked: the answer is then marked as
    assumed linear.
    """
    from nightmarket.rehearsal.contract import BEYOND_MEASURED, capacity_for, measured_at

    measured = measured_at(where, settings_here().home)
    answer = capacity_for(measured, orders_per_second, cores or measured.cores)
    click.echo(f"From {measured.source}: {measured.per_second:,.1f} orders/s on {measured.cores} cores.")
    click.echo(
        f"{orders_per_second:,.0f} orders/s on machines of {answer.machine_cores} cores, a fifth of each kept free:"
    )
    click.echo(f"{'':10} {'µs an order':>18} {'cores':>18} {'machines':>14}")
    for need in answer.needs:
        spread = f" (to {need.high_us:,.0f})" if measured.spread else ""
        upto = f" (to {need.high_cores:,.1f})" if measured.spread else ""
        click.echo(
            f"{need.part:10} {f'{need.mean_us:,.0f}{spread}':>18} {f'{need.mean_cores:,.1f}{upto}':>18} "
            f"{f'{need.machines:,} x {need.cores_each:,} cores':>14}"
        )
    if answer.one_holds_all:
        click.echo(f"One machine of {answer.machine_cores} cores holds all of it; it needs {answer.one_cores} of them.")
    if not measured.spread:
        click.echo("Measured once, so nothing is known of the spread.")
    if answer.database_is_too_large:
        click.echo("No single machine holds that database: it has to be spread over several (Citus).")
    if answer.assumed_linear:
        click.echo(
            f"assumed linear: this is {answer.times_measured:,.1f} times what was measured, and beyond "
            f"{BEYOND_MEASURED:.0f} times nobody has looked."
        )
