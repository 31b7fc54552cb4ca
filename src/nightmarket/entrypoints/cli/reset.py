"""`nightmarket reset`: forgets a shop's data, after asking."""

import shutil
from pathlib import Path

import click

from nightmarket.entrypoints.cli.connected import engine, settings_here
from nightmarket.platform.home import CONTENTS, StartRefused
from nightmarket.platform.supervisor import running


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset(*, yes: bool) -> None:
    """Forget the shop: database, media, keys and logs of NIGHTMARKET_HOME. There is no way back."""
    settings = settings_here()
    home = settings.home
    shop = running(home)
    if shop is not None:
        raise StartRefused(f"The shop runs (process {shop.pid}, {shop.address}). Stop it first, with Ctrl-C.")
    doomed = _doomed(home)
    if not doomed:
        click.echo(f"There is nothing to forget in {home}.")
        return
    click.echo(f"This deletes, for good, in {home}:")
    for path in doomed:
        click.echo(f"  {path.relative_to(home) if path.is_relative_to(home) else path}  {_size(path) / 2**20:.1f} MB")
    if settings.database_url:
        click.echo("The database of DATABASE_URL is not touched; drop it with its own tools.")
    if not yes:
        click.confirm("Forget all of it?", abort=True)
    if not engine(settings).stop():
        raise StartRefused("Another nightmarket command is using the database. Wait for it to end.")
    for path in doomed:
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
    left = sorted(path.name for path in home.iterdir()) if home.is_dir() else []
    if not left and not home.is_symlink():
        home.rmdir()
    click.echo("Forgotten." + (f" Not ours and left alone: {', '.join(left)}" if left else ""))


def _doomed(home: Path) -> list[Path]:
    if not home.is_dir():
        return []
    found = {path for pattern in CONTENTS for path in home.glob(pattern)}
    remembered = engine(settings_here()).layout.remembered()
    if remembered is not None and Path(remembered.base) != home.resolve():
        found.add(Path(remembered.base))
    return sorted(found)


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() and not path.is_symlink() else [path]
    return sum(file.lstat().st_size for file in files if file.is_file())
