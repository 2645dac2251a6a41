"""Speak UPnP with the library miniupnpc, as a program of its own, which `shared.upnp` starts.

That library reads any answer without an end, and waits for it without an end.  So this program
has little memory and little time: others can end it, and nothing else.  It is nobody's child, so
it goes on when nobody waits for it any more.  It imports nothing of ours, as it is run as a file.

Its words are `map HOST PORT WANTED LIFETIME` or `delete HOST PORT`.  It says one line: `mapped
PORT OUTER`, `deleted`, or why not.  A mapping for which it does not read KEEP is taken back.
"""

import os
import resource
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import miniupnpc

LIFE_SECONDS: Final = 12  # for all of it; an honest router takes one or two
MEMORY_BYTES: Final = 64 * 1024 * 1024  # Python itself takes less than 16 MiB
DISCOVER_MILLISECONDS: Final = 500
PORT_TRIES: Final = 3  # the wanted port, and the next ones, until one is free
PORTS_END: Final = 65_536
LABEL: Final = "Parley"  # what the router shows its owner
KEEP: Final = b"k"


def main(words: list[str]) -> None:
    if os.fork():
        return
    signal.alarm(LIFE_SECONDS)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    match words:
        case ["map", host, port, wanted, lifetime]:
            _map(host, int(port), int(wanted), int(lifetime))
        case ["delete", host, port]:
            router = _found(host)
            if router is not None:
                _delete(router, int(port))
                _say("deleted")


def _map(host: str, port: int, wanted: int, lifetime: int) -> None:
    router = _found(host)
    if router is None:
        return
    failure = ""
    for external in range(wanted, min(wanted + PORT_TRIES, PORTS_END)):
        try:
            router.addportmapping(external, "TCP", host, port, LABEL, "", lifetime)
        except Exception as error:  # the library raises no other kind
            failure = f"port {external} was not mapped: {error}"
            continue
        is_heard = _say(f"mapped {external} {_outer(router)}")
        if not is_heard or sys.stdin.buffer.read(1) != KEEP:
            _delete(router, external)
        return
    _say(failure)


def _found(host: str) -> "miniupnpc.UPnP | None":
    """Return the router of this address's network that speaks UPnP, if one does."""
    import miniupnpc  # noqa: PLC0415  # an extra

    router = miniupnpc.UPnP(multicastif=host, discoverdelay=DISCOVER_MILLISECONDS)
    try:
        router.discover()
        router.selectigd()
    except Exception as failure:  # it raises one when there is none
        _say(f"no router answers: {failure}")
        return None
    return router


def _outer(router: "miniupnpc.UPnP") -> str:
    with suppress(Exception):
        return str(router.externalipaddress())
    return ""


def _delete(router: "miniupnpc.UPnP", port: int) -> None:
    with suppress(Exception):  # it ends by itself, within an hour
        router.deleteportmapping(port, "TCP")


def _say(line: str) -> bool:
    """Say a line; return whether anybody hears it."""
    try:
        sys.stdout.buffer.write(line.encode(errors="replace") + b"\n")
        sys.stdout.buffer.flush()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main(sys.argv[1:])
