"""What most commands begin with: the settings, and a database to work on."""

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager

import click

from nightmarket.platform.postgres import EmbeddedPostgres, ServerOptions
from nightmarket.platform.postgres.inspection import check
from nightmarket.platform.settings import Settings, read_settings


def settings_here(overrides: Mapping[str, object] | None = None) -> Settings:
    """Settings from this process's environment. Raises SettingRefused."""
    return read_settings(os.environ, overrides)


def engine(settings: Settings) -> EmbeddedPostgres:
    """The server of this home, running or not."""
    return EmbeddedPostgres(settings.home, ServerOptions(account=settings.database_account), say=note)


@contextmanager
def database(settings: Settings) -> Generator[str]:
    """The URL of the database to work on: DATABASE_URL, or this home's own server.

    The server is started for the length of the block if it does not run, and left running if others use it. The
    database may be at an older revision: see `nightmarket.platform.migrations.migrate`.
    """
    if settings.database_url:
        check(settings.database_url)
        yield settings.database_url
    else:
        with engine(settings).lent() as url:
            yield url


def note(text: str) -> None:
    """Say something that is not the command's answer."""
    click.echo(text, err=True)
