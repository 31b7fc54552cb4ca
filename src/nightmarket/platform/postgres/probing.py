"""Whether a server takes writes at this moment: asked by those who wait for it to come back."""

import psycopg

CONNECT_SECONDS = 2
STATEMENT_MILLISECONDS = 2_000


def takes_writes(url: str) -> bool:
    """One tiny transaction that has to reach the log. Blocks; False when refused, away, read-only or full."""
    try:
        with psycopg.connect(
            url,
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            application_name="nightmarket-probe",
            options=f"-c statement_timeout={STATEMENT_MILLISECONDS}",
        ) as connection:
            connection.execute("SELECT pg_current_xact_id()")
    except psycopg.Error:
        return False
    return True
