"""The language of the admin socket: one request on a line, then answers, one on a line each.

The last answer is DONE or NO.  An older client ignores answers that it does not know.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from directory_server.core.operating.bans import REASON_CHARACTERS
from directory_server.core.operating.invites import NOTE_CHARACTERS

LINE_BYTES: Final = 16 * 1024
TEXT_CHARACTERS: Final = 1_000  # as in shared.messages.directory.Notice

Word = Annotated[str, Meta(min_length=1, max_length=256)]
Reason = Annotated[str, Meta(max_length=REASON_CHARACTERS)]
Text = Annotated[str, Meta(max_length=TEXT_CHARACTERS)]
Seconds = Annotated[float, Meta(gt=0, le=3_650 * 86_400)]


class Request(
    msgspec.Struct, frozen=True, tag_field="do", tag=str.lower, forbid_unknown_fields=True
):
    """The operator's request."""


class Status(Request, frozen=True):
    """How is the directory?  Answered by STATE."""


class Users(Request, frozen=True):
    """Who is registered?  Answered by a USER for each whose name begins so."""

    prefix: Annotated[str, Meta(max_length=256)] = ""


class Kick(Request, frozen=True):
    """End a user's link.  Their program comes back by itself."""

    name: Word
    reason: Reason = ""


class Ban(Request, frozen=True):
    """Keep a user, an address or a network out."""

    whom: Word
    seconds: Seconds | None = None  # None: for ever
    reason: Reason = ""


class Unban(Request, frozen=True):
    whom: Word


class Bans(Request, frozen=True):
    """Answered by a BAN for each."""


class Forget(Request, frozen=True):
    """Free a name.  Unless `is_certain`, say only what would be lost (LOSES)."""

    name: Word
    is_certain: bool = False


class Invite(Request, frozen=True):
    """Make a token that lets new names in.  Answered by INVITE, with the token."""

    uses: int = 1
    seconds: Seconds | None = None
    note: Annotated[str, Meta(max_length=NOTE_CHARACTERS)] = ""


class Invites(Request, frozen=True):
    """Answered by an INVITE for each, without its token."""


class Uninvite(Request, frozen=True):
    """Take an invite back."""

    id: Word


class Notice(Request, frozen=True):
    """Tell everybody who is here."""

    text: Annotated[str, Meta(min_length=1, max_length=TEXT_CHARACTERS)]


class Motd(Request, frozen=True):
    """Tell everybody who comes in; empty: nothing more.  None: only show it."""

    text: Text | None = None


class Backup(Request, frozen=True):
    """Copy names, mail and key into a new folder."""

    folder: Annotated[str, Meta(min_length=1, max_length=4_096)]


class Drain(Request, frozen=True):
    """Send all users away, a few at a time, and end."""


class Log(Request, frozen=True):
    """Log so much from now on."""

    level: Annotated[str, Meta(pattern=r"\A(debug|info|warning|error)\Z")]


AnyRequest = (
    Status | Users | Kick | Ban | Unban | Bans | Forget | Invite | Invites | Uninvite | Notice
    | Motd | Backup | Drain | Log
)  # fmt: skip


class Answer(msgspec.Struct, frozen=True, tag_field="t", tag=str.lower):
    """One line of an answer."""


class State(Answer, frozen=True):
    version: str
    key: str  # the fingerprint of the community
    addresses: tuple[str, ...]
    up_seconds: float
    users: dict[str, int]  # by status
    names: int
    connections: int  # the most
    strangers: int  # connections that have not said who they are
    messages_waiting: int | None  # None: the store does not answer
    mail_bytes: int | None
    mail_most_bytes: int
    registering: str  # open, token, invites
    bans: int
    invites: int
    motd: str
    log: str
    draining: bool
    store_failing: bool
    registrations: dict[str, int]
    left: dict[str, int]
    taken: int
    cut: dict[str, int]
    directories: int = 1  # on the same store, this one included
    others: tuple[str, ...] = ()  # where users reach the others


class User(Answer, frozen=True):
    name: str
    status: str
    since: float
    address: str
    key: str
    used_hours: float
    waiting: int | None  # None: the store does not answer


class Banned(Answer, frozen=True, tag="ban"):
    whom: str
    kind: str
    since: float
    until: float | None
    reason: str


class Invited(Answer, frozen=True, tag="invite"):
    id: str
    uses: int
    since: float
    until: float | None
    note: str
    token: str = ""  # only when it was made
    join: str = ""  # the command that a newcomer types, where a directory runs


class Loses(Answer, frozen=True):
    """The losses when a name is forgotten."""

    name: str
    here: bool
    since: float
    messages_waiting: int
    text: str


class Said(Answer, frozen=True):
    """A sentence for the operator."""

    text: str


class Done(Answer, frozen=True):
    pass


class No(Answer, frozen=True):
    code: str
    text: str


AnyAnswer = State | User | Banned | Invited | Loses | Said | Done | No

requests: Final = msgspec.json.Decoder(AnyRequest)
answers: Final = msgspec.json.Decoder(AnyAnswer)
