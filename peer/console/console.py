"""Take the commands of a person or a script, and answer in sentences.

A Console performs the commands of one user on a Peer.  It keeps only what belongs to
the dialogue with that user: the open questions, and the message that is being written.
Exit codes are those of the one-shot form (README, "Scripts").
"""

import math
from collections.abc import Awaitable, Callable
from enum import IntEnum
from typing import Protocol

import trio
from msgspec import Struct
from msgspec.structs import replace

from peer import events, results
from peer.commands import grammar as typed
from peer.commands import parsing
from peer.commands.grammar import Command, Context
from peer.commands.parsing import parse, unknown_text, wrong_text
from peer.core.backlog import End
from peer.core.conversation.sent_text import SentText
from peer.core.target import Target, destination, misdirected
from peer.local_peer import LocalPeer
from peer.results import SEEN_SECONDS
from peer.runtime.directory_client import DirectoryGone
from peer.runtime.invitations import Outcome, Result
from peer.runtime.mailbox.unsent import Ended, Posted
from peer.runtime.private_lines import Delivery, LineFate
from peer.storage.history import Found
from shared.errors import KeyChanged, ParleyError, Refused, TurnedAway, Unreachable
from shared.identity import fingerprint
from shared.messages.common import Status
from shared.messages.directory import Contact, Presence
from shared.names import fold


class Code(IntEnum):
    """Exit codes of the one-shot form."""

    DONE = 0  #: for a message: delivered
    USAGE = 2
    STORED = 3  #: for later, at the directory, or here until that is back
    REFUSED = 4  #: or declined
    NOBODY = 5  #: no such user
    UNREACHABLE = 6
    DIRECTORY = 7  #: not available, or its key changed


class Show(Protocol):
    def __call__(self, *events: events.Event, then: Callable[[], None] | None = None) -> None:
        """Show each event on one or more lines of its own; call `then` when all were shown."""


Spawn = Callable[..., None]
ShowDone = Callable[[str, Code, str], None]
"""Report a line as done, with its code and the outcome of its invitation or message."""

LEFT, KEPT = "left", "kept"  # outcomes of STORED: at the directory, or here until it is back
EXIT_SECONDS = 3.0  # after a conversation ended, EXIT was most likely meant for it
TOO_EARLY = "The question came while you were typing: please answer again."


class _Question(Struct, frozen=True):
    """A question that Y or N answers.

    `invitation` is the id of the invitation it is about, if any.  `choices` are the words
    that answer it in place of Y: the first one means yes, another one no.  N then takes
    the line back.
    """

    about: str
    answer: Callable[[bool], Awaitable[Code]]
    since: float  # trio's time
    texts: int  # said in my conversations before it
    invitation: str = ""
    choices: tuple[str, ...] = ()


class Console:
    """Performs the commands of one user.

    `spawn` starts work that must not hold up the next command; with None, as for a
    script, each command is awaited.
    """

    def __init__(
        self, peer: LocalPeer, show: Show, spawn: Spawn | None, *,
        asks: bool = False, done: ShowDone = lambda *_: None,
    ) -> None:  # fmt: skip
        """`asks`: ask a person before a line goes to more users than it was meant for.

        `done` is called for each line of `perform_line`.
        """
        self._peer, self._show, self._spawn, self._asks = peer, show, spawn, asks
        self._done, self._line, self._undecided = done, "", False
        self.outcome = ""  #: the outcome of the last invitation or message, in a word
        self._questions: list[_Question] = []
        self._writing_to = ""
        self._ended_at = -math.inf  # when my last conversation was over
        self._texts = 0  # said in my conversations so far
        self._begun = math.inf  # when the line that is being performed was begun
        self.is_over = False  #: QUIT was typed and is allowed
        self.is_muted = False  #: no bell, no notification

    # --- What happens ---

    def tell(self, event: events.Event, shown: Callable[[], None]) -> None:
        """Show what happened to the peer (`peer.events.Tell`)."""
        self._show(event, then=shown)
        match event:
            case events.Invited():
                self._open_questions()
            case events.Came(name=name) if fold(name) == fold(self._writing_to):
                self._say(f"User {name} is online now.")
                self._writing_to = ""
            case events.KeepMore(author=author):
                self._ask_for_more(author)
            case events.Connected():
                self._writing_to = ""  # what is typed now is for the conversation
            case events.Said():
                self._texts += 1
            case events.ConversationOver():
                self._ended_at = trio.current_time()

    def _say(self, sentence: str) -> None:
        self._show(events.Notice(sentence))

    @property
    def writing_to(self) -> str:
        """The user for whom a message is being written; empty if none."""
        return self._writing_to

    @property
    def questions(self) -> tuple[str, ...]:
        """The users whom the open questions are about, the latest last."""
        return tuple(question.about for question in self._open_questions())

    # --- What is typed ---

    async def perform_line(
        self, line: str, begun: float | None = None, target: Target | None = None
    ) -> Code:
        """Perform a typed line.

        `begun`: when its first key was hit, in trio's time; `target`: what it was for then.
        A line whose target has changed meanwhile is not performed.  A Y that was begun
        before a question appeared, or at the same moment, does not answer it: it was meant
        for something else.
        """
        self._peer.stir()
        self._begun = math.inf if begun is None else begun
        self._line, self._undecided = line, False
        code = await self._perform_line(line, target)
        if not self._undecided:
            self._done(line, code, self.outcome if code is Code.STORED else "")
        return code

    async def _perform_line(self, line: str, target: Target | None) -> Code:
        context = self.context()
        if target is not None and (why := misdirected(line, target, self._target, context)):
            now = self._target
            self._show(results.NotSent(line, why, destination(line, now, context), now))
            return Code.REFUSED
        command = parse(line, context)
        if isinstance(command, typed.Unknown) and self._is_too_early(line, context):
            self._say(TOO_EARLY)
            return Code.REFUSED
        return await self.perform(command, line)

    @property
    def _target(self) -> Target:
        """The target of a line that is typed now."""
        return Target(tuple(name for name, *_ in self._peer.ways), self._writing_to)

    def _is_too_early(self, line: str, context: Context) -> bool:
        asked = replace(context, question_open=bool(self._open_questions()))
        return isinstance(parse(line, asked), typed.Answer)

    async def perform(self, command: Command, line: str = "") -> Code:
        """Perform a command and show the result; a ParleyError is shown, never raised."""
        try:
            return await self._perform(command, line)
        except ParleyError as failure:
            self._say(_sentence(failure))
            return _code_of(failure)

    def context(self) -> Context:
        return Context(
            in_conversation=bool(self._peer.talks_with),
            question_open=any(map(self._was_seen, self._open_questions())),
            writing=bool(self._writing_to),
            waiting=bool(self._peer.waits_for),
            talk_went_on=self.talk_went_on,
            choices=self.choices,
        )

    @property
    def talk_went_on(self) -> bool:
        """Whether something was said in my conversation since the last question was shown."""
        return any(question.texts < self._texts for question in self._open_questions()[-1:])

    @property
    def choices(self) -> tuple[str, ...]:
        """The words, in upper case, that answer the last question if Y and N do not."""
        return next((question.choices for question in self._open_questions()[-1:]), ())

    async def _perform(self, command: Command, line: str) -> Code:
        peer = self._peer
        match command:
            case typed.ListUsers():
                self._show(_list(await peer.users(), peer))
            case typed.Info(name):
                self._show(_info(await peer.contact(name), peer))
            case typed.SetStatus(None):
                self._show(results.MyStatus(peer.status))
            case typed.SetStatus(Status() as status):
                await peer.set_status(status)
            case typed.Chat(name):
                return await self._decide(self._chat, name)
            case typed.Add(name):
                return await self._decide(self._add, name)
            case typed.ShowMembers():
                self._show(results.MemberList(peer.name, tuple(await peer.members())))
            case typed.WhoGot():
                self._show(_who_has(peer.last_said))
            case typed.Answer(yes, name):
                return await self._answer(yes, name, line)
            case typed.Private(name, text):
                return await self._private(name, text)
            case typed.Choose(word):
                return await self._choose(word)
            case typed.ToAll():
                return await self._to_all_or_one(command)
            case typed.LeaveMessage(name, text):
                return await self._leave_message(name, text)
            case typed.History(name, last, to_all):
                found = await peer.history(name, to_all=to_all, last=last)
                self._show(_history(found, last, peer.name, _about(name, to_all)))
            case typed.Search(words):
                return await self._aside(self._search, words)
            case typed.Ignore() | typed.Unignore() | typed.ListIgnored():
                await self._ignore(command)
            case typed.Verify(name, words):
                return await self._verify(name, words)
            case typed.Mute(on):
                self._mute(on)
            case typed.Unregister():
                return await self._ask_to_unregister()
            case typed.QuitConversation():
                return await self._quit_conversation()
            case typed.Quit():
                return self._quit(line)
            case typed.Help(topic):
                self._show(results.Manual(topic))
            case typed.Say(text):
                self._texts += 1
                self._show(results.Sent(text, handle=await peer.say(text)))
            case typed.WriteLine(text):
                return await self._leave_message(self._writing_to, text)
            case typed.EndWriting():
                self._end_writing()
            case typed.Unknown():
                return await self._unknown(command)
            case typed.Wrong():
                self._say(wrong_text(command))
                if parsing.asks_whom_to_add(line):
                    self._show(_list(await peer.users(), peer))
                return Code.USAGE
            case typed.Nothing():
                pass
        return Code.DONE

    def _end_writing(self) -> None:
        self._say(f"You are done with the message for {self._writing_to}.")
        self._writing_to = ""

    async def _aside(self, work: Callable[..., Awaitable[Code]], *arguments: object) -> Code:
        """Run it in the background if there is a keyboard, else await it."""
        if self._spawn is None:
            return await work(*arguments)
        self._spawn(self._guarded, work, *arguments)
        return Code.DONE

    async def _guarded(self, work: Callable[..., Awaitable[Code]], *arguments: object) -> None:
        try:
            await work(*arguments)
        except ParleyError as failure:
            self._say(_sentence(failure))

    async def _decide(self, work: Callable[..., Awaitable[Code]], *words: object) -> Code:
        """Like `_aside`, but the line is done only when the invitation is decided."""
        if self._spawn is None:
            return await self._invite(work, *words)
        self._undecided = True
        self._spawn(self._see_decided, self._line, work, *words)
        return Code.DONE

    async def _see_decided(
        self, line: str, work: Callable[..., Awaitable[Code]], *words: object
    ) -> None:
        code = await self._invite(work, *words)
        self._done(line, code, self.outcome)

    async def _invite(self, work: Callable[..., Awaitable[Code]], *words: object) -> Code:
        """Perform an invitation; set `outcome`, also when it is refused."""
        try:
            return await work(*words)
        except ParleyError as failure:
            self._say(_sentence(failure))
            code = _code_of(failure)
            self.outcome = code.name.lower()
            return code

    # --- Questions ---

    def _open_questions(self) -> list[_Question]:
        """Return the questions in the order shown, without answered and closed ones."""
        inviters = {question.id: question.inviter for question in self._peer.questions}
        self._questions = [
            one for one in self._questions if not one.invitation or one.invitation in inviters
        ]
        known = {one.invitation for one in self._questions}
        for id, inviter in inviters.items():
            if id not in known:  # it was asked on another screen
                self._open(inviter, self._answerer(id), invitation=id)
        return self._questions

    def _open(
        self, about: str, answer: Callable[[bool], Awaitable[Code]], *,
        invitation: str = "", choices: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        """Count a question as open from now on."""
        now = trio.current_time()
        self._questions.append(_Question(about, answer, now, self._texts, invitation, choices))

    async def _answer(self, yes: bool, name: str | None, line: str) -> Code:
        """Answer the question shown last, or the last one about `name`."""
        for question in filter(self._was_seen, reversed(self._open_questions())):
            if name is None or fold(question.about) == fold(name):
                return await self._close(question, yes)
        if name is None or not line:
            self._say("No question is open.")
            return Code.REFUSED
        plain = replace(self.context(), question_open=False)
        return await self._perform(parse(line, plain), "")

    async def _close(self, question: _Question, yes: bool) -> Code:
        if yes and question.choices:
            self._say(f"Answer {' or '.join(question.choices)}; N takes it back.")
            return Code.REFUSED
        self._questions.remove(question)
        if question.choices:
            self._say("Not sent.")
            return Code.DONE
        return await question.answer(yes)

    async def _choose(self, word: str) -> Code:
        question = self._questions.pop()
        return await question.answer(word == question.choices[0])

    def _was_seen(self, question: _Question) -> bool:
        return question.since + SEEN_SECONDS <= self._begun

    def _answerer(self, id: str) -> Callable[[bool], Awaitable[Code]]:
        async def answer(yes: bool) -> Code:
            self._peer.answer(id, yes)
            return Code.DONE

        return answer

    def _ask(
        self, statement: str, question: str, about: str, yes: Callable[[], Awaitable[Code]],
        no: str = "",
    ) -> None:  # fmt: skip
        """Ask a question of our own; a script, which cannot answer, gets the statement only.

        `no` is shown after the answer N.
        """
        if self._spawn is None:
            if statement:
                self._say(statement)
            return

        async def answer(said_yes: bool) -> Code:
            if not said_yes and no:
                self._say(no)
            return await yes() if said_yes else Code.DONE

        self._questions = [one for one in self._questions if one.invitation or one.about != about]
        self._open(about, answer)
        self._show(results.Asked(about, statement, question))

    # --- VERIFY ---

    async def _verify(self, name: str, words: tuple[str, ...]) -> Code:
        """Show the words, then ask; or compare the words that the other has read out, if given."""
        compared = await self._peer.words(name)
        name = compared.name

        async def accept() -> Code:
            await self._peer.accept(compared)
            new = f" The new key of {name} is accepted from now on." if compared.is_changed else ""
            self._say(f"{name} is verified.{new}")
            return Code.DONE

        kept = f" The old key of {name} stays." if compared.is_changed else ""
        if words:
            if compared.fits(words):
                return await accept()
            self._say(f"These are not the words of you and {name}: nothing was accepted.{kept}")
            return Code.REFUSED
        self._show(results.Words(name, compared.words, False, compared.change))
        no = f"Nothing was accepted: {name} is not who you take them for.{kept}"
        self._ask("", f"Are they the same at {name}'s?", name, accept, no)
        return Code.DONE

    def _ask_for_more(self, author: str) -> None:
        """Open the question whether to keep more of `author` today; it is shown already."""

        async def answer(said_yes: bool) -> Code:
            if said_yes:
                self._peer.keep_more(author)
            else:
                self._say(f"It waits at {author}'s program. IGNORE {author} hears no more.")
            return Code.DONE

        if self._spawn is not None:
            self._open(author, answer)

    # --- CHAT ---

    async def _chat(self, name: str, urgent: bool = False) -> Code:
        result = await self._peer.invite(name, urgent=urgent)
        return self._say_what_came_of(result, self._chat)

    async def _add(self, name: str, urgent: bool = False) -> Code:
        result = await self._peer.add(name, urgent=urgent)
        return self._say_what_came_of(result, self._add)

    def _say_what_came_of(self, result: Result, again: Callable[..., Awaitable[Code]]) -> Code:
        name = result.name
        self.outcome = _word_for(result.outcome)
        match result.outcome:
            case Outcome.CONNECTED:
                return Code.DONE
            case Outcome.OFFLINE:
                self._offer_message(f"User {name} is offline at this moment.", name)
            case Outcome.UNREACHABLE:
                reason = result.reason.removesuffix(".")
                self._offer_message(f"User {name} cannot be reached: {reason}.", name)
            case Outcome.INTERRUPTIBLE:
                statement = f"User {name} is busy at this moment, you may interrupt."
                self._ask(statement, "Interrupt?", name, lambda: self._decide(again, name, True))
            case _:
                self._say(_end_of(result))
        return _chat_code(result.outcome)

    def _offer_message(self, statement: str, name: str) -> None:
        async def write() -> Code:
            self._writing_to = name
            self._say(f"Write your message for {name}; \\q ends it.")
            return Code.DONE

        self._ask(statement, "Would you like to leave a message?", name, write)

    # --- Lines and messages ---

    async def _private(self, name: str, text: str) -> Code:
        if fold(name) == fold(self._peer.name):
            raise Refused("You can't write to yourself.", "SELF")
        sent = self._peer.write(name, text)
        if isinstance(sent, Posted):
            self._show(results.Sent(text, to=name))
            return await self._aside(self._see_posted, sent)
        self._show(results.Sent(text, to=name, handle=LineFate(sent)))
        return await self._aside(self._see_delivered, sent)

    async def _see_delivered(self, delivery: Delivery) -> Code:
        """Await the delivery; leave a line that reached nobody at the directory."""
        try:
            await delivery.wait()
        except ParleyError as failure:
            return await self._see_left(delivery, failure)
        return Code.DONE

    async def _see_left(self, delivery: Delivery, failure: ParleyError) -> Code:
        try:
            if isinstance(failure, TurnedAway):
                self._show(_not_delivered(delivery, failure))
                self._peer.give_up(delivery)
                return Code.REFUSED
            if isinstance(failure, KeyChanged | Refused):
                raise failure
            if isinstance(failure, DirectoryGone) or not self._peer.is_registered:
                return await self._see_posted(self._peer.keep(delivery))
            self._show(_not_delivered(delivery, failure))
            return self._say_ended(Ended(End.LEFT, await self._peer.leave_instead(delivery)))
        except DirectoryGone:
            return await self._see_posted(self._peer.keep(delivery))
        except ParleyError:
            self._peer.give_up(delivery)  # the user is told
            raise

    async def _see_posted(self, posted: Posted) -> Code:
        return self._say_ended(await posted.outcome())

    def _say_ended(self, ended: Ended) -> Code:
        if ended.why:
            self._show(events.NotDelivered(ended.to, ended.why))
        match ended.end:
            case End.DELIVERED:
                return Code.DONE
            case End.LEFT:
                self.outcome = LEFT
                self._show(events.LetterLeft(ended.to))
            case End.KEPT:
                self.outcome = KEPT
                self._show(events.KeptForLater(ended.to))
        return Code.STORED

    async def _to_all_or_one(self, line: typed.ToAll) -> Code:
        """Send `/msg dave text` privately; ask a person whom `MSG dave text` is for."""
        perhaps = line.perhaps
        if perhaps is None or not await self._is_user(perhaps.name, line):
            return await self._to_all(line.text)
        if line.is_private:
            return await self._private(perhaps.name, perhaps.text)
        if not self._asks or self._spawn is None:
            self._say(f"To everybody: {line.text}")
            return await self._to_all(line.text)

        async def answer(to_all: bool) -> Code:
            if to_all:
                return await self._to_all(line.text)
            return await self._private(perhaps.name, perhaps.text)

        name = perhaps.name
        choices = ("ALL", name.upper())
        self._open(name, answer, choices=choices)
        question = f"To everybody, or to {name} alone?"
        self._show(results.Asked(name, "", question, choices))
        return Code.DONE

    async def _is_user(self, name: str, line: typed.ToAll) -> bool:
        """Whether this is another user's name; ask the directory only for a private line."""
        if any(fold(user.name) == fold(name) for user in self._peer.known_users):
            return fold(name) != fold(self._peer.name)
        if not line.is_private:
            return False
        try:
            await self._peer.contact(name)
        except Refused as failure:
            if failure.code != "NOBODY":
                raise
            return False
        return True

    async def _to_all(self, text: str) -> Code:
        deliveries = await self._peer.to_all(text)
        if not deliveries:
            self._show(events.NotDelivered("anybody", "nobody else is online"))
            return Code.UNREACHABLE
        self._show(results.Sent(text, to_all=True))
        return await self._aside(self._see_all_delivered, deliveries)

    async def _see_all_delivered(self, deliveries: list[Delivery]) -> Code:
        reached = 0
        for delivery in deliveries:
            try:
                await delivery.wait()
                reached += 1
            except ParleyError as failure:
                self._show(_not_delivered(delivery, failure))
        return Code.DONE if reached else Code.UNREACHABLE

    async def _leave_message(self, name: str, text: str) -> Code:
        self._show(results.Sent(text, to=name, is_left=True))
        ended = await self._peer.leave_or_keep(name, text)
        code = self._say_ended(ended)
        return Code.DONE if ended.end is End.LEFT else code

    async def _unknown(self, unknown: typed.Unknown) -> Code:
        """Send `dave hello` as a private line if there is a user dave."""
        if (perhaps := unknown.perhaps) is not None:
            try:
                await self._peer.contact(perhaps.name)
            except DirectoryGone:
                if not self._peer.is_known(perhaps.name):
                    raise
                return await self._private(perhaps.name, perhaps.text)
            except Refused as failure:
                if failure.code != "NOBODY":
                    raise
            else:
                return await self._private(perhaps.name, perhaps.text)
        self._say(self._unknown_sentence(unknown))
        return Code.USAGE

    def _unknown_sentence(self, unknown: typed.Unknown) -> str:
        if parsing.is_answer(unknown.line):
            return "No question is open."
        word = unknown.line.strip()
        for user in self._peer.known_users:
            if fold(user.name) == fold(word):
                return (
                    f"{user.name} is a user: CHAT {user.name} invites them,"
                    f" PRV {user.name} text sends one line."
                )
        if not self._open_questions():
            return unknown_text(unknown)
        answers_are = " or ".join(self.choices or ("Y", "N"))
        return f"{unknown_text(unknown).removesuffix('.')}. The open question takes {answers_are}."

    async def _ignore(self, command: typed.Ignore | typed.Unignore | typed.ListIgnored) -> None:
        match command:
            case typed.Ignore(name):
                await self._peer.ignore(name)
                self._say(f"You will no longer hear from {name}.")
            case typed.Unignore(name):
                await self._peer.unignore(name)
                self._say(f"You hear {name} again.")
            case typed.ListIgnored():
                self._say(f"You ignore {', '.join(self._peer.ignored) or 'nobody'}.")

    def _mute(self, on: bool) -> None:
        self.is_muted = on
        self._say("The bell is off until UNMUTE." if on else "The bell rings again.")

    async def _search(self, words: str) -> Code:
        found = await self._peer.search(words)
        more = f"There are more; these are the last {len(found.entries)}." if found.more else ""
        note = more if found.entries else "Nothing was found."
        heading = f"Texts with {words}:"
        self._show(results.WhatWasSaid(tuple(found.entries), self._peer.name, note, heading))
        return Code.DONE

    # --- The end ---

    async def _quit_conversation(self) -> Code:
        if await self._peer.leave_conversation():
            return Code.DONE
        if self._peer.take_back():
            return Code.DONE  # the invitation shows its own end
        raise Refused("You are in no conversation.")

    def _quit(self, line: str) -> Code:
        is_exit = line.strip().removeprefix("/").upper() == "EXIT"
        if is_exit and trio.current_time() < self._ended_at + EXIT_SECONDS:
            raise Refused("The conversation is over already; QUIT leaves the program.")
        self._check_alone()
        self.is_over = True
        return Code.DONE

    def _check_alone(self) -> None:
        if others := ", ".join(self._peer.talks_with):
            raise Refused(f"You are in a conversation with {others}: QUIT CONVERSATION first.")

    async def _ask_to_unregister(self) -> Code:
        self._check_alone()
        if self._spawn is None:
            return await self._unregister()  # a script is not asked
        name = self._peer.name
        statement = (
            f"You give back the name {name}, with its mailbox: what waits there is lost,"
            " and nobody reaches you under that name any more."
        )
        self._ask(statement, "Give it back?", name, self._unregister)
        return Code.DONE

    async def _unregister(self) -> Code:
        self._check_alone()
        await self._peer.unregister()
        name = self._peer.name
        self._say(f"You gave the name {name} back. For 30 days only your key can have it again.")
        self.is_over = True
        return Code.DONE


# --- Sentences --------------------------------------------------------------------


def _sentence(failure: ParleyError) -> str:
    text = str(failure)
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def _not_delivered(delivery: Delivery, failure: ParleyError) -> events.NotDelivered:
    return events.NotDelivered(delivery.to, str(failure).removesuffix("."))


def _who_has(handle: SentText | None) -> results.WhoHas:
    if handle is None:
        raise Refused("You have said nothing in a conversation.")
    return results.WhoHas(tuple((name, results.state_of(handle, name)) for name in handle.states()))


def _list(users: list[Presence], peer: LocalPeer) -> results.UserList:
    verified = tuple(user.name for user in users if peer.is_verified(user.name))
    contradicted = tuple(user.name for user in users if peer.is_contradicted(user.name))
    return results.UserList(tuple(users), peer.name, peer.round_trips, verified, contradicted)


def _info(contact: Contact, peer: LocalPeer) -> results.UserInfo:
    return results.UserInfo(contact, fingerprint(contact.key), peer.is_verified(contact.name))


def _about(name: str | None, to_all: bool) -> str:
    """Return the words for the heading of HISTORY that say what was asked for."""
    return " to all" if to_all else f" with {name}" if name else ""


def _history(found: Found, last: int, me: str, what: str) -> results.WhatWasSaid:
    note = "" if found.entries else "No history here: nothing was said, or history is off."
    heading = f"The last {len(found.entries)} texts{what}:"
    if found.more and len(found.entries) < last:
        note = f"Only the last {len(found.entries)}: they are very long."
    return results.WhatWasSaid(tuple(found.entries), me, note, heading)


def _end_of(result: Result) -> str:
    match result.outcome:
        case Outcome.DECLINED:
            return f"User {result.name} does not want to chat with you."
        case Outcome.NO_ANSWER:
            return f"User {result.name} did not answer."
        case Outcome.BUSY:
            return f"User {result.name} is busy at this moment and cannot be interrupted."
        case Outcome.TAKEN_BACK:
            return f"You withdrew your invitation to {result.name}."
        case _:
            return f"User {result.name} is gone."


def _code_of(failure: ParleyError) -> Code:
    match failure:
        case KeyChanged():
            return Code.REFUSED
        case DirectoryGone():
            return Code.DIRECTORY
        case Unreachable():
            return Code.UNREACHABLE
        case Refused(code="NOBODY"):
            return Code.NOBODY
    return Code.REFUSED


def _word_for(outcome: Outcome) -> str:
    """Return the word that a program reads in `done`."""
    if outcome is Outcome.INTERRUPTIBLE:
        return "busy"
    return outcome.name.lower().replace("_", " ")


def _chat_code(outcome: Outcome) -> Code:
    match outcome:
        case Outcome.DECLINED | Outcome.BUSY | Outcome.INTERRUPTIBLE | Outcome.TAKEN_BACK:
            return Code.REFUSED
        case _:
            return Code.UNREACHABLE
