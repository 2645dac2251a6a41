"""Decide which directory a start uses: the remembered one, one that proves a remembered key,
or one that the user must choose.

No key that is unknown is ever used without the user's word.
"""

from msgspec import Struct


class Remembered(Struct, frozen=True):
    """The directory of the last start."""

    shown: str  #: its address
    key: str = ""  #: the fingerprint of its community, without spaces; empty if none is known


class ShownKey(Struct, frozen=True):
    """A directory of the community with this key is at the remembered address."""

    key: str


class NoAnswer(Struct, frozen=True):
    """No directory is at the remembered address, or none that proves anything."""

    cause: str


class FoundDirectory(Struct, frozen=True):
    """A directory that is announced on this network, and has proved this key at this address."""

    name: str
    host: str
    port: int
    key: str
    needs_token: bool = False


class Picture(Struct, frozen=True):
    """All that is known at one moment of a start."""

    remembered: Remembered | None
    known: frozenset[str]  #: keys that my user remembers, or vouches for
    answer: ShownKey | NoAnswer | None = None  #: None: nothing yet, or nothing is asked
    found: tuple[FoundDirectory, ...] = ()
    is_looking: bool = True  #: whether more may be found
    is_late: bool = False  #: whether the remembered one should have answered by now


# --- What is decided ---


class UseRemembered(Struct, frozen=True):
    """Use the remembered directory."""

    key: str


class UseFound(Struct, frozen=True):
    """Use a directory that has moved to this address: its key is a known one."""

    directory: FoundDirectory


class AskWhich(Struct, frozen=True):
    """Ask which of these to use; nothing is remembered."""

    directories: tuple[FoundDirectory, ...]


class AskAddress(Struct, frozen=True):
    """Ask for an address.  `others` were found, and are none of mine."""

    cause: str = ""  #: why the remembered one is not used; empty if none is remembered
    others: tuple[FoundDirectory, ...] = ()
    is_offered: bool = False  #: the remembered one answers, with a key that nobody has met


Choice = UseRemembered | UseFound | AskWhich | AskAddress

ANOTHER_KEY = "another key answers there"


def choose(picture: Picture) -> Choice | None:
    """Return the choice; None while more may change it."""
    cause = ""
    match picture.remembered, picture.answer:
        case Remembered(key=key), ShownKey(key=shown):
            if shown == key or (not key and shown in picture.known):
                return UseRemembered(shown)
            if not key:
                return AskAddress(is_offered=True)
            cause = ANOTHER_KEY
        case Remembered(), NoAnswer(cause=why):
            cause = why
    is_waiting = picture.remembered is not None and picture.answer is None
    if is_waiting and not picture.is_late:
        return None  # the remembered one comes first
    return _among_found(picture, cause, is_waiting=is_waiting)


def _among_found(picture: Picture, cause: str, *, is_waiting: bool) -> Choice | None:
    remembered, found = picture.remembered, picture.found
    for one in found:
        if remembered is not None and remembered.key == one.key:
            return UseFound(one)
    if picture.is_looking:
        return None
    mine = [one for one in found if one.key in picture.known]
    if len(mine) == 1:
        return UseFound(mine[0])
    if is_waiting:
        return None
    if mine and remembered is None:
        return AskWhich(tuple(mine))
    if found and remembered is None and not picture.known:
        return AskWhich(found)
    return AskAddress(cause, found)
