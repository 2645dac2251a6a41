"""The settings of a directory, as chosen at its start."""

from typing import NamedTuple

from directory_server.core.limits import MAIL_MIB, NAMES, NEW_NAMES_AT_ONCE

IDLE_AFTER = 300.0
CONNECTIONS = 4_096


class Settings(NamedTuple):
    host: str | None = None  # the address to listen on; None: all of them
    port: int = 0  # 0: a random one
    idle_after: float = IDLE_AFTER  # seconds without a sign of activity until INACTIVE; 0: never
    one_per_address: bool = False  # refuse a second user from one IP address
    token: str | None = None  # which a new name must present; None: anybody may register
    is_closed: bool = False  # only the token, or an invite, lets a new name in
    names_per_address: int = NEW_NAMES_AT_ONCE  # at once; then each has to wait; 0: no limit
    names: int = NAMES  # that the directory knows at most
    store: str | None = None  # the URL of a PostgreSQL; None: SQLite in the data folder
    address: str = ""  # host:port at which users reach this directory, for the others to tell
    store_sync: bool = False  # promise nothing that lies on one machine only
    mail_mib: int = MAIL_MIB  # that all mail together may take
    found_anew: bool = False  # give up all names rather than refuse to start when a file is missing
    connections: int = CONNECTIONS  # that the process may hold open, users and strangers together
