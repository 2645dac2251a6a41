"""Words of the program that no new user may choose as a name.

`all` and `y` would be read as commands wherever a name is typed.  The directory knows
no commands, so it keeps the words here; a test compares them with the peer's own table.
"""

from typing import Final

from shared.names import fold

RESERVED: Final = frozenset(
    fold(word)
    for word in (
        "ACTIVE ACTIVO ADD ALL AWAY BUSY BYE CHAT CONNECT DIM DOCTOR EXIT GO HELP HISTORY IGNORE"
        " IGNORED INACTIVE INACTIVO INFO INVITE LEAVE LIST MEMBERS MSG MUTE MUTED N NO OCUPADO"
        " OFFLINE ONLINE OUI PART PRV QUIT ROOM ROOMS SEARCH SI STATUS TELL TO UNIGNORE UNMUTE"
        " UNREGISTER UNWATCH USERS VERIFY WATCH WATCHED WHO WHOIS Y YES"
    ).split()
)


def is_reserved(name: str) -> bool:
    return fold(name) in RESERVED
