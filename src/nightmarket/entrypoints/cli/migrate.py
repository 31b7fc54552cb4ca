"""`nightmarket migrate`: brings the database's tables to a revision."""

import click

from nightmarket.entrypoints.cli.connected import database, settings_here


@click.command()
@click.option(
    "--to", "revision", metavar="REVISION", default="head", help="Stop at this revision. Default: the newest."
)
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 if revisions are pending.")
def migrate(*, revision: str, check: bool) -> None:
    """Bring the database up to date.

    `up` does this by itself; a cluster does it once, before its new version starts.
    """
    from nightmarket.platform.migrations import migrate as revisions

    with database(settings_here()) as url:
        before = revisions.standing(url)
        if check:
            click.echo(f"at {before.current or 'nothing'}, pending: {', '.join(before.pending) or 'none'}")
            raise SystemExit(1 if before.pending else 0)
        revisions.upgrade(url, revision)
        after = revisions.standing(url)
        if after.current == before.current:
            click.echo(f"Nothing to do: the database is at {after.current}.")
        else:
            click.echo(f"The database went from {before.current or 'nothing'} to {after.current}.")
