"""Ask a PostgreSQL server for what `core/database_facts.py` judges."""

from typing import Final

from directory_server.core.addresses import is_loopback
from directory_server.core.database_facts import Facts
from directory_server.storage.postgres.connection import Connection
from shared.errors import Refused

OWN_NOTICE_SECONDS: Final = 5.0  # to hear what we said ourselves
ASKED: Final = ("fsync", "full_page_writes", "synchronous_commit", "synchronous_standby_names")


def facts_of(connection: Connection) -> Facts:
    settings = {}
    for name in ASKED:
        row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
        settings[name] = str(row[0]) if row else ""
    host = connection.info.host
    is_local = not host or host.startswith("/") or host == "localhost" or is_loopback(host)
    return Facts(
        version=connection.info.server_version,
        settings=settings,
        has_standby=_has_standby(connection),
        is_local=is_local,
        is_verified=connection.info.get_parameters().get("sslmode") == "verify-full",
    )


def check_direct(connection: Connection) -> None:
    """Raise Refused unless this connection is our own: a pooler lends it for a transaction only.

    Then what we set holds for others, too, and a lock for nobody.
    """
    connection.execute("LISTEN parley_check")
    connection.execute("NOTIFY parley_check")
    heard = list(connection.notifies(timeout=OWN_NOTICE_SECONDS, stop_after=1))
    connection.execute("UNLISTEN parley_check")
    if not heard:
        raise Refused("a pooler stands before the database: connect directly", "USAGE")


def _has_standby(connection: Connection) -> bool | None:
    """Return whether a synchronous standby follows; None when we may not see the standbys.

    Without the role pg_monitor a row shows that there is one, and not its state.
    """
    rows = connection.execute("SELECT sync_state FROM pg_stat_replication").fetchall()
    states = {state for (state,) in rows}
    if states & {"sync", "quorum"}:
        return True
    return None if None in states else False
