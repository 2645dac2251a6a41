"""One small error tree.  The text of each error is a sentence for a person."""


class ParleyError(Exception):
    """Whatever a user, a disk or a remote machine can cause; never a bug."""


class ProtocolError(ParleyError):
    """The other side broke the protocol: say why in one ERR, then cut the link."""


class Refused(ParleyError):
    """A polite no.  `code` is one of the ERR codes in `shared.messages`."""

    def __init__(self, text: str, code: str = "REFUSED") -> None:
        super().__init__(text)
        self.code = code


class TurnedAway(Refused):
    """The other side said no to us."""


class Unreachable(ParleyError):
    """No link to the other side; the text says what stood in the way."""


class KeyChanged(Unreachable):
    """The other side shows another key than the one remembered: a hard stop."""


class StorageError(ParleyError):
    """The disk did not take it, and nothing of it was kept."""
