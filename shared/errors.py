"""One small error tree.  The text of each error is a sentence for a person."""


class ParleyError(Exception):
    """An error that a user, a disk or a remote machine can cause; never a bug."""


class ProtocolError(ParleyError):
    """The other side broke the protocol: send one ERR with the reason, then cut the link."""


class Refused(ParleyError):
    """A polite no.  `code` is one of the ERR codes in `shared.messages`."""

    def __init__(self, text: str, code: str = "REFUSED") -> None:
        super().__init__(text)
        self.code = code


class TurnedAway(Refused):
    """The other side refused us."""


class Unreachable(ParleyError):
    """There is no link to the other side; the text says why."""


class SaysNo(Unreachable):
    """The machine there says no: nothing listens on that port, or a firewall rejects us."""


class NotOurs(Unreachable):
    """Somebody answers there who does not speak as we do."""


class NoRoute(Unreachable):
    """This machine has no way to addresses of that kind."""


class KeyChanged(Unreachable):
    """The other side shows another key than the one remembered: a hard stop."""


def is_silence(failure: ParleyError) -> bool:
    """Whether nobody answered as we do; a changed key is an answer, and no reason to try again."""
    return isinstance(failure, Unreachable) and not isinstance(failure, KeyChanged)


class StorageError(ParleyError):
    """The disk did not take a write, and kept nothing of it."""
