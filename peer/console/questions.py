"""Ask the user, and wait for an answer: Y or N, or a choice of words."""

import math
from collections.abc import Awaitable, Callable
from typing import Final

import trio
from msgspec import Struct

from peer import results
from peer.console.codes import Code
from peer.console.dialogue import Dialogue
from peer.core.targets.leading import Leads
from peer.core.targets.place import HOME, Place
from peer.local_peer import LocalPeer
from peer.results import SEEN_SECONDS
from shared.names import fold

TOO_EARLY: Final = "The question came while you were typing: please answer again."

Reply = Callable[[bool], Awaitable[Code]]
"""Do what the user answered: yes or no."""


class _Question(Struct, frozen=True):
    """A question that Y or N answers.

    `invitation` is the id of the invitation it is about, if any.  `choices` are the words
    that answer it in place of Y: the first one means yes, another one no.  N then takes
    the line back.  `leads`: where its user goes with a yes.
    """

    about: str
    reply: Reply
    since: float  # when it was shown, in trio's time
    texts: int  # the number of texts said in my conversations before it
    invitation: str = ""
    choices: tuple[str, ...] = ()
    leads: Place | None = None


class OpenQuestions:
    """Keeps the open questions in the order shown, and performs what an answer decides.

    An answer counts only for a question that the user has seen: before the first key of the
    answer was hit, the question was shown for a moment, or the user was told of it.
    """

    def __init__(self, peer: LocalPeer, dialogue: Dialogue) -> None:
        self._peer, self._dialogue = peer, dialogue
        self._kept: list[_Question] = []
        self._being_answered: set[str] = set()  # ids of invitations
        self._texts = 0  # said in my conversations so far
        self._begun = math.inf  # when the line that is being performed was begun
        self._pointed_at = -math.inf  # when the user was told last that there are questions

    def begin_line(self, begun: float) -> None:
        """Note when the first key of the next line was hit, in trio's time."""
        self._begun = begun

    def note_text(self) -> None:
        """Note that something was said where the user is."""
        self._texts += 1

    # --- How it is ---

    def look(self) -> list[_Question]:
        """Return the questions in the order shown, without answered and closed ones."""
        waiting = self._peer.invitations.questions
        asked = {one.id: one for one in waiting if one.id not in self._being_answered}
        self._kept = [one for one in self._kept if not one.invitation or one.invitation in asked]
        known = {one.invitation for one in self._kept}
        for id, one in asked.items():
            if id not in known:  # it was asked on another screen
                leads = HOME if one.room is None else None
                reply = self._replier(id, leaves=one.room is None)
                self._open(one.inviter, reply, invitation=id, leads=leads)
        return self._kept

    @property
    def about(self) -> tuple[str, ...]:
        """The users whom the open questions are about, the latest last."""
        return tuple(question.about for question in self.look())

    @property
    def talk_went_on(self) -> bool:
        """Whether something was said in my conversation since the last question was shown."""
        return any(question.texts < self._texts for question in self.look()[-1:])

    @property
    def choices(self) -> tuple[str, ...]:
        """The words, in upper case, that answer the last question if Y and N do not."""
        return next((question.choices for question in self.look()[-1:]), ())

    @property
    def leads(self) -> Leads:
        """The users whom the open questions are about, the latest last, and where a yes leads."""
        return tuple((question.about, question.leads) for question in self.look())

    @property
    def seen_at(self) -> tuple[float, ...]:
        """The time, for each open question, from which on a line may be begun that answers it."""
        return tuple(map(self._seen_at, self.look()))

    def _seen_at(self, question: _Question) -> float:
        seen = question.since + SEEN_SECONDS
        if question.since <= self._pointed_at:
            return min(seen, math.nextafter(self._pointed_at, math.inf))
        return seen

    @property
    def can_be_answered(self) -> bool:
        """Whether the line that is being performed may answer one of them."""
        return any(map(self._was_seen, self.look()))

    def _was_seen(self, question: _Question) -> bool:
        return self._seen_at(question) <= self._begun

    def point_at(self) -> None:
        """Tell the user, whose answer came too early to be one, that a question is open."""
        self._pointed_at = trio.current_time()
        self._dialogue.say(TOO_EARLY)

    # --- Asking ---

    def ask(
        self, statement: str, question: str, about: str, yes: Callable[[], Awaitable[Code]],
        no: str = "", leads: Place | None = None,
    ) -> None:  # fmt: skip
        """Ask a question of our own; a script, which cannot answer, gets the statement only.

        `no` is shown after the answer N; `leads`: where its user goes with a yes.
        """
        if self._dialogue.is_script:
            if statement:
                self._dialogue.say(statement)
            return

        async def reply(said_yes: bool) -> Code:
            if not said_yes and no:
                self._dialogue.say(no)
            return await yes() if said_yes else Code.DONE

        self._kept = [one for one in self._kept if one.invitation or one.about != about]
        self._open(about, reply, leads=leads)
        self._dialogue.show(results.Asked(about, statement, question))

    def ask_which(self, question: str, about: str, choices: tuple[str, ...], reply: Reply) -> None:
        """Ask a question that one of `choices` answers; the first one means yes."""
        self._open(about, reply, choices=choices)
        self._dialogue.show(results.Asked(about, "", question, choices))

    def ask_to_keep_more(self, author: str) -> None:
        """Open the question whether to keep more of `author` today; it is shown already."""

        async def reply(said_yes: bool) -> Code:
            if said_yes:
                self._peer.keep_more(author)
            else:
                told = f"It waits at {author}'s program. IGNORE {author} hears no more."
                self._dialogue.say(told)
            return Code.DONE

        if not self._dialogue.is_script:
            self._open(author, reply)

    def _open(
        self, about: str, reply: Reply, *, invitation: str = "", choices: tuple[str, ...] = (),
        leads: Place | None = None,
    ) -> None:  # fmt: skip
        """Count a question as open from now on."""
        now = trio.current_time()
        self._kept.append(_Question(about, reply, now, self._texts, invitation, choices, leads))

    def _replier(self, id: str, *, leaves: bool) -> Reply:
        """Return what answers an invitation; `leaves`: whether a yes leaves my conversation."""

        async def reply(yes: bool) -> Code:
            self._being_answered.add(id)
            try:
                if yes and leaves:
                    await self._peer.conversation.keep_shown()
                self._peer.invitations.answer(id, yes)
            finally:
                self._being_answered.discard(id)
            return Code.DONE

        return reply

    # --- Answering ---

    async def answer(self, yes: bool, name: str | None) -> Code | None:
        """Answer the question shown last, or the last one about `name`; None: there is none."""
        for question in filter(self._was_seen, reversed(self.look())):
            if name is None or fold(question.about) == fold(name):
                return await self._close(question, yes)
        return None

    async def _close(self, question: _Question, yes: bool) -> Code:
        if yes and question.choices:
            words = " or ".join(question.choices)
            self._dialogue.say(f"Answer {words}; N takes it back.")
            return Code.REFUSED
        self._kept.remove(question)
        if question.choices:
            self._dialogue.say("Not sent.")
            return Code.DONE
        return await question.reply(yes)

    async def choose(self, word: str) -> Code:
        """Answer the last question by one of its choices."""
        question = self._kept.pop()
        return await question.reply(word == question.choices[0])
