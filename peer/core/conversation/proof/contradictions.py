"""Notices authors who tell members different things, and shows the others the evidence."""

from collections.abc import Iterable

from peer import events
from peer.core.conversation.actions import Action, Hand, Send, Show
from peer.core.conversation.incoming.inbox import Inbox
from peer.core.conversation.members.entrances import Entrances
from peer.core.conversation.members.mesh import Mesh
from peer.core.conversation.own_stay import OwnStay
from peer.core.conversation.proof.digests import Digests, Said, said_in
from peer.core.conversation.proof.evidence import Evidence
from shared.messages.peers import Hello, Position, Text, Want

PROOFS = 4  # texts that one HELLO makes me ask for, if its sender has others than I


class Contradictions:
    """The authors who contradict what they have told others, and the evidence."""

    def __init__(
        self, stay: OwnStay, mesh: Mesh, entrances: Entrances, digests: Digests, inbox: Inbox
    ) -> None:
        self._stay, self._mesh, self._entrances = stay, mesh, entrances
        self._digests = digests
        #: the text after each position proves to others that its author said different things
        self._evidence = Evidence(lambda of: inbox.position(of).seq, entrances.floor)
        self._untold: list[str] = []  # authors who told me something else before
        self._two_faced: set[str] = set()  # authors of whom the user was told so
        self._of_copies: set[str] = set()  # authors of whom the user was told it of a copy only

    # --- Noticing ---

    def restore(self, kept: Iterable[Said]) -> None:
        """Note what an earlier program of mine has kept: it may have told nobody of a lie in it."""
        for said in kept:
            self._note(said)

    def note(self, text: Text) -> None:
        """Note a text that its author has signed; note a contradiction too."""
        self._note(said_in(text))

    def _note(self, said: Said) -> None:
        author, _ = said.origin
        if self._digests.note(said) or author == self._stay.me.id:
            return
        self._evidence.add(Position(*said.origin, max(0, said.seq - 2)))
        if author not in self._two_faced and author not in self._untold:
            self._untold.append(author)

    def tell(self) -> list[Action]:
        """Tell the user of authors who contradict what they told me before."""
        untold, self._untold = self._untold, []
        return [self._tell_of(author, "") for author in untold]

    def accuse_of_copy(self, author: str) -> list[Action]:
        """Tell the user of an author who left them other words than their text has.

        It proves nothing to others, and so what they were told is still compared.
        """
        if author in self._two_faced or author in self._of_copies:
            return []
        self._of_copies.add(author)
        return [self._said_differently(author, "")]

    def _tell_of(self, author: str, to: str) -> Action:
        self._two_faced.add(author)
        return self._said_differently(author, to)

    def _said_differently(self, author: str, to: str) -> Action:
        name, other = self._stay.names.spelled(author), self._stay.names.spelled(to) if to else ""
        return Show(events.SaidDifferently(name, other))

    def contradicts(self, text: Text) -> bool:
        """Whether a text that came before differs from the one here, and the user does not know
        yet what its author is.
        """
        is_news = text.author not in self._two_faced and text.author != self._stay.me.id
        return is_news and self._digests.contradicts(text)

    def accuse(self, sender: str, text: Text) -> list[Action]:
        """Tell the user, and the others, of an author who has signed another text than the one
        that is here.
        """
        author = text.author
        told = self._tell_of(author, sender if sender != author else "")
        self._evidence.add(Position(*text.origin, text.seq - 1), text)
        others = [name for name in self._mesh.greeted if name not in (author, sender)]
        return [told, *self._send(others, text)]

    def compare_digests(self, sender: str, hello: Hello) -> list[Action]:
        """Ask for texts of authors who have told this member other things."""
        differing = [
            there
            for there, said in zip(hello.have, hello.said, strict=False)
            if there.author not in self._two_faced and there.author != self._stay.me.id
            and self._digests.differs(there.origin, there.seq, said)
        ]  # fmt: skip
        return [
            Send((sender,), Want(self._stay.id, Position(there.author, there.epoch, there.seq - 1)))
            for there in differing[:PROOFS]
        ]

    # --- Showing the evidence ---

    def has(self, member: str, there: Position) -> None:
        """Note what a member has, with which they can compare the evidence."""
        self._evidence.has(member, there)

    def link_lost(self, member: str) -> None:
        self._evidence.link_lost(member)

    def is_unseen(self, author: str) -> bool:
        """Whether there is evidence against this author that somebody has not seen."""
        return bool(self._evidence and self._evidence.unseen(self._mesh.greeted, author))

    def show(self) -> list[Action]:
        """Send the evidence to members who may read it and have not seen it yet."""
        actions = [] if self._stay.is_asleep else self.tell()
        for where, member in self._evidence.unseen(self._mesh.greeted):
            other = self._evidence.mark_sent(where, member)
            actions.append(Hand(member, where))
            if other is not None:
                actions += self._send((member,), other)
        return actions

    def _send(self, to: Iterable[str], text: Text) -> list[Action]:
        """Send the other text to those who may read it: they may have the same as I."""
        able = [name for name in to if self._entrances.floor(name, text.origin) < text.seq]
        return [Send(tuple(able), text)] if able else []
