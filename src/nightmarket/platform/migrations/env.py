"""How alembic runs our revisions: on the connection that `migrate` hands it, each in a transaction of its own."""

from alembic import context
from sqlalchemy import Connection


def _run() -> None:
    connection = context.config.attributes.get("connection")
    if not isinstance(connection, Connection):
        raise TypeError("Run revisions with `nightmarket migrate`, or call nightmarket.platform.migrations.migrate.")
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


_run()
