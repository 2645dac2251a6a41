"""Say and read what a directory announces on the local network (DNS-SD, RFC 6763), and where.

Anybody on the network can announce anything: what is heard is a hint, until a directory has
proved its key.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from shared.announced_name import clean_name
from shared.spots import Interface, ip_of, is_inner

SERVICE: Final = "_parley._tcp.local."
TTL: Final = 120  # seconds for which others may believe it
ADDRESSES_MOST: Final = 8  # of one directory: nobody has so many ways to one machine
INTERFACES_MOST: Final = 16  # that are spoken on
KEY_DIGITS: Final = 32
_VERSION: Final = "1"
_YES: Final = "1"


class Announcement(Struct, frozen=True):
    """One directory, as somebody on the network says."""

    name: str
    hosts: tuple[str, ...]  #: numeric addresses
    port: int
    key: str  #: of its community: the fingerprint, without spaces; empty if it is not said
    needs_token: bool = False  #: whether a new name needs one


def texts(key: str, *, needs_token: bool) -> dict[str, str]:
    """Return what is said beside name, address and port."""
    said = {"v": _VERSION, "key": key.replace(" ", "")}
    return {**said, "token": _YES} if needs_token else said


def read(
    name: str, hosts: Iterable[str], port: int | None, said: Mapping[bytes, bytes | None]
) -> Announcement | None:
    """Return what somebody announces; None if it is of no use to this program."""
    if said.get(b"v") != _VERSION.encode() or not port or port > 65_535:
        return None
    dialled = tuple(dict.fromkeys(host for host in hosts if _is_dialled(host)))[:ADDRESSES_MOST]
    if not dialled:
        return None
    key = (said.get(b"key") or b"").decode("ascii", "replace").lower()
    is_key = len(key) == KEY_DIGITS and set(key) <= set("0123456789abcdef")
    return Announcement(
        clean_name(name), dialled, port, key if is_key else "", said.get(b"token") == _YES.encode()
    )


# --- Where ---


def is_left_out(one: Interface) -> bool:
    """Whether nothing is announced at this address, as it is not for other machines."""
    return is_inner(one) or not _is_dialled(one.host)


def announced(listens_on: Sequence[str], interfaces: Iterable[Interface]) -> tuple[Interface, ...]:
    """Return the addresses at which others reach a program that listens on these hosts.

    An address that it was told to listen on counts, even on an inner interface.
    """
    everywhere = {version for host in listens_on for version in _versions(host)}
    named = {ip_of(host) for host in listens_on}
    found = []
    for one in interfaces:
        address = ip_of(one.host)
        is_usual = not (is_left_out(one) or one.is_temporary)
        if address is None or not _is_dialled(one.host):
            continue
        if address in named or (address.version in everywhere and is_usual):
            found.append(one)
    return tuple(found[:ADDRESSES_MOST])


def spoken_on(interfaces: Iterable[Interface]) -> tuple[str, ...]:
    """Return the addresses from which to speak: one of each interface, IPv4 if it has one."""
    chosen: dict[str, str] = {}
    for one in interfaces:
        if one.name not in chosen or (":" in chosen[one.name] and ":" not in one.host):
            chosen[one.name] = one.host
    return tuple(chosen.values())[:INTERFACES_MOST]


def _versions(host: str) -> tuple[int, ...]:
    """Return the versions of IP for which this host means each address of the machine."""
    address = ip_of(host)
    return (address.version,) if address is not None and address.is_unspecified else ()


def _is_dialled(host: str) -> bool:
    address = ip_of(host)
    return address is not None and not (
        address.is_loopback or address.is_link_local or address.is_multicast
        or address.is_unspecified
    )  # fmt: skip
