"""Take the commands of a person or a script, and answer in sentences.

A Console performs the commands of one user on a Peer.  It keeps only what belongs to
the dialogue with that user: the open questions, and the message that is being written.
"""

import math
from collections.abc import Callable

import trio
from msgspec.structs import replace

from peer import events, results
from peer.commands import grammar as typed
from peer.commands import parsing
from peer.commands.grammar import Command, Context
from peer.commands.manual import is_topic
from peer.commands.parsing import parse, unknown_text, wrong_text
from peer.console import lookups
from peer.console.codes import Code
from peer.console.dialogue import Dialogue, Screen
from peer.console.inviter import Inviter
from peer.console.message_sender import MessageSender
from peer.console.questions import OpenQuestions
from peer.console.rooms import RoomCommands
from peer.console.targets import Targets
from peer.console.verification import verify
from peer.core.targets.leading import Leads
from peer.core.targets.place import Place
from peer.core.targets.places import Places
from peer.core.targets.target import Target, destination, misdirected
from peer.local_peer import LocalPeer
from peer.runtime.doctor.examiner import ALL_SECONDS
from shared.errors import ParleyError, Refused
from shared.messages.common import Status
from shared.names import fold
from shared.wording import sentence

EXIT_SECONDS = 3.0  # after a conversation ended, EXIT was most likely meant for it
NO_QUESTION = "No question is open."
BELL_OFF = "The bell is off until UNMUTE."


class Console:
    """Performs the commands of one user."""

    def __init__(
        self, peer: LocalPeer, screen: Screen, *, is_script: bool = False, asks: bool = False,
        places: Places | None = None,
    ) -> None:  # fmt: skip
        """`is_script`: await each command, and ask nothing.  `asks`: ask a person before a line
        goes to more users than it was meant for.  `places`: those of the user's own console.
        """
        self._peer = peer
        self._lists_all = is_script or not asks  # a script wants the whole, a person what fits
        self._dialogue = Dialogue(peer, screen, is_script=is_script)
        self._questions = OpenQuestions(peer, self._dialogue)
        self._messages = MessageSender(peer, self._dialogue, self._questions, asks=asks)
        self._inviter = Inviter(peer, self._dialogue, self._questions, self._messages)
        self._rooms = RoomCommands(peer, self._dialogue)
        self.targets = Targets(peer, self._dialogue, self._questions, self._messages, places)
        self._ended_at = -math.inf  # when my last conversation was over
        self.is_over = False  #: QUIT was typed and is allowed
        self.is_muted = False  #: no bell, no notification

    # --- What happens ---

    def tell(self, event: events.Event, shown: Callable[[], None]) -> None:
        """Show what happened to the peer (`peer.events.Tell`)."""
        self.targets.tell(event, shown)
        match event:
            case events.Invited():
                self._questions.look()
            case events.Came(name=name) if fold(name) == fold(self._messages.writing_to):
                self._dialogue.say(f"User {name} is online now.")
                self._messages.writing_to = ""
            case events.KeepMore(author=author):
                self._questions.ask_to_keep_more(author)
            case events.Connected():
                self._messages.writing_to = ""  # what is typed now is for the conversation
            case events.ConversationOver():
                self._ended_at = trio.current_time()

    # --- How it is ---

    @property
    def writing_to(self) -> str:
        """The user for whom a message is being written; empty if none."""
        return self._messages.writing_to

    @property
    def questions(self) -> tuple[str, ...]:
        """The users whom the open questions are about, the latest last."""
        return self._questions.about

    @property
    def talk_went_on(self) -> bool:
        """Whether something was said in my conversation since the last question was shown."""
        return self._questions.talk_went_on

    @property
    def choices(self) -> tuple[str, ...]:
        """The words, in upper case, that answer the last question if Y and N do not."""
        return self._questions.choices

    @property
    def leads(self) -> Leads:
        """The users whom the open questions are about, the latest last, and where a yes leads."""
        return self._questions.leads

    @property
    def seen_at(self) -> tuple[float, ...]:
        """The time, for each open question, from which on a line may be begun that answers it."""
        return self._questions.seen_at

    @property
    def outcome(self) -> str:
        """The outcome of the last invitation or message, in a word."""
        return self._dialogue.outcome

    def context(self) -> Context:
        return Context(
            in_conversation=bool(self._peer.conversation.others),
            question_open=self._questions.can_be_answered,
            writing=bool(self.writing_to),
            waiting=bool(self._peer.invitations.waits_for),
            talk_went_on=self.talk_went_on,
            choices=self.choices,
            rooms=self._peer.rooms.labels,
            person=self.targets.look().here.person,
            room=self.targets.look().here.room,
        )

    # --- What is typed ---

    async def perform_line(
        self,
        line: str,
        begun: float | None = None,
        target: Target | None = None,
        led: Place | None = None,
    ) -> Code:
        """Perform a typed line.

        `begun`: when its first key was hit, in trio's time; `target`: what it was for then.
        `led`: where the prompt has gone with it.
        A line whose target has changed meanwhile is not performed.  A Y that was begun
        before a question appeared, or at the same moment, does not answer it: it was meant
        for something else.
        """
        self._peer.stir()
        self._questions.begin_line(math.inf if begun is None else begun)
        self._dialogue.begin_line(line)
        if led is not None:
            self.targets.arrive(led)
        code = await self._perform_line(line, target, led)
        self._dialogue.end_line(code)
        return code

    async def _perform_line(self, line: str, target: Target | None, led: Place | None) -> Code:
        now = self.targets.target if target is None else self.targets.of(target.place)
        context = now.within(self.context())
        if target is not None and (why := misdirected(line, target, now, context)):
            known = [user.name for user in self._peer.roster.offered]
            would = destination(line, now, context, known)
            self._dialogue.show(results.NotSent(line, why, would, now))
            return Code.REFUSED
        command = parse(line, context)
        if isinstance(command, typed.Unknown) and self._is_too_early(line, context):
            self._questions.point_at()
            return Code.REFUSED
        if isinstance(command, typed.Go) and target is not None:
            return await self._go(command, led)
        if target is None:
            self.targets.led_by(command)
        return await self.perform(command, line)

    async def _go(self, command: typed.Go, led: Place | None) -> Code:
        try:
            return await self.targets.go(command, led, has_prompt=True)
        except ParleyError as failure:
            return self._dialogue.fail(failure)

    def _is_too_early(self, line: str, context: Context) -> bool:
        asked = replace(context, question_open=bool(self.questions))
        return isinstance(parse(line, asked), typed.Answer)

    async def perform(self, command: Command, line: str = "") -> Code:
        """Perform a command and show the result; a ParleyError is shown, never raised."""
        try:
            return await self._perform(command, line)
        except ParleyError as failure:
            return self._dialogue.fail(failure)

    async def _perform(self, command: Command, line: str) -> Code:
        peer, show = self._peer, self._dialogue.show
        self.targets.note_answer(command)
        match command:
            case typed.ListUsers(beginning):
                show(await lookups.users(peer, beginning, whole=self._lists_all))
            case typed.Info(name):
                show(await lookups.info(peer, name))
            case typed.SetStatus(None):
                show(results.MyStatus(peer.presence.status, peer.presence.note))
            case typed.SetStatus(Status() as status, note):
                peer.presence.choose(status, note)
            case typed.Chat(name):
                return await self._inviter.chat(name)
            case typed.Add():
                return await self._inviter.add(command)
            case typed.FoundRoom() | typed.ListRooms() | typed.PartRoom() | typed.SayIn():
                return await self._rooms.perform(command)
            case typed.ShowMembers(room):
                show(await lookups.members(peer, room))
            case typed.WhoGot(room):
                here = Place(room=room) if room else self.targets.look().here
                show(await lookups.who_got(peer, here))
            case typed.Answer(yes, name):
                return await self._answer(yes, name, line)
            case typed.Private(name, text):
                return await self._messages.private(name, text)
            case typed.Choose(word):
                return await self._questions.choose(word)
            case typed.ToAll():
                return await self._messages.to_all_or_one(command)
            case typed.LeaveMessage(name, text):
                return await self._messages.leave(name, text)
            case typed.History():
                show(await lookups.history(peer, command))
            case typed.Search():
                return await self._dialogue.aside(self._search, command)
            case typed.Ignore() | typed.Unignore() | typed.ListIgnored():
                await self._ignore(command)
            case typed.Watch() | typed.Unwatch() | typed.ListWatched():
                await self._watch(command)
            case typed.Verify(name, words):
                return await verify(peer, self._dialogue, self._questions, name, words)
            case typed.Mute(on):
                self._mute(on)
            case typed.Go() | typed.SetLoudness() | typed.ListMuted() | typed.ListPlaces():
                return await self.targets.perform(command, is_bell_off=self.is_muted)
            case typed.Diagnose():
                return await self._dialogue.aside(self._diagnose)
            case typed.Unregister():
                return await self._ask_to_unregister()
            case typed.QuitConversation():
                return await self._quit_conversation()
            case typed.Quit():
                return self._quit(line)
            case typed.Help(topic):
                show(results.Manual(topic))
                return Code.DONE if is_topic(topic) else Code.USAGE
            case typed.Say(text):
                show(results.Sent(text, handle=await peer.conversation.say(text)))
            case typed.WriteLine(text):
                return await self._messages.leave(self.writing_to, text)
            case typed.EndWriting():
                self._messages.end_writing()
            case typed.Unknown():
                return await self._unknown(command)
            case typed.Wrong():
                return await self._wrong(command, line)
            case typed.Nothing():
                pass
        return Code.DONE

    async def _answer(self, yes: bool, name: str | None, line: str) -> Code:
        """Answer the question shown last, or the last one about `name`."""
        if (code := await self._questions.answer(yes, name)) is not None:
            return code
        if name is None or not line:
            self._dialogue.say(NO_QUESTION)
            return Code.REFUSED
        plain = replace(self.context(), question_open=False)
        return await self._perform(parse(line, plain), "")

    async def _search(self, search: typed.Search) -> Code:
        self._dialogue.show(await lookups.search(self._peer, search))
        return Code.DONE

    async def _diagnose(self) -> Code:
        if not self._dialogue.is_script:
            self._dialogue.say(f"Looking around, for {ALL_SECONDS:.0f} s at most...")
        self._dialogue.show(await self._peer.examiner.examine())
        return Code.DONE

    async def _ignore(self, command: typed.Ignore | typed.Unignore | typed.ListIgnored) -> None:
        match command:
            case typed.Ignore(name):
                await self._peer.choices.ignored.add(name)
                self._dialogue.say(f"You will no longer hear from {name}.")
            case typed.Unignore(name):
                await self._peer.choices.ignored.remove(name)
                self._dialogue.say(f"You hear {name} again.")
            case typed.ListIgnored():
                self._dialogue.say(
                    f"You ignore {', '.join(self._peer.choices.ignored.names) or 'nobody'}."
                )

    async def _watch(self, command: typed.Watch | typed.Unwatch | typed.ListWatched) -> None:
        watched = self._peer.choices.watched
        match command:
            case typed.Watch(name):
                user = await watched.add(name)
                self._dialogue.show(results.WatchBegun(user.name, user.status, user.is_known))
            case typed.Unwatch(name):
                self._dialogue.say(f"You do not watch {await watched.remove(name)} any more.")
            case typed.ListWatched():
                self._dialogue.show(results.WatchedUsers(watched.all))

    def _mute(self, on: bool) -> None:
        self.is_muted = on
        self._dialogue.say(BELL_OFF if on else "The bell rings again.")

    # --- What is no command ---

    async def _wrong(self, command: typed.Wrong, line: str) -> Code:
        self._dialogue.say(wrong_text(command))
        if parsing.asks_whom_to_add(line):
            self._dialogue.show(await lookups.users(self._peer, whole=self._lists_all))
        return Code.USAGE

    async def _unknown(self, unknown: typed.Unknown) -> Code:
        """Send `dave hello` as a private line if there is a user dave."""
        perhaps = unknown.perhaps
        if perhaps is not None and await self._messages.is_private_line(perhaps):
            return await self._perform(perhaps, "")
        self._dialogue.say(self._unknown_sentence(unknown))
        return Code.USAGE

    def _unknown_sentence(self, unknown: typed.Unknown) -> str:
        if parsing.is_answer(unknown.line):
            return NO_QUESTION
        if about := lookups.about_a_user(self._peer, unknown.line.strip()):
            return about
        if not self.questions:
            is_answer = parsing.is_named_answer(unknown.line)
            return NO_QUESTION if is_answer else unknown_text(unknown)
        answers_are = " or ".join(self.choices or ("Y", "N"))
        return f"{sentence(unknown_text(unknown))} The open question takes {answers_are}."

    # --- The end ---

    async def _quit_conversation(self) -> Code:
        if await self._peer.conversation.leave():
            return Code.DONE
        if self._peer.invitations.take_back():
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
        if others := ", ".join(self._peer.conversation.others):
            raise Refused(f"You are in a conversation with {others}: QUIT CONVERSATION first.")

    async def _ask_to_unregister(self) -> Code:
        self._check_alone()
        if self._dialogue.is_script:
            return await self._unregister()  # a script is not asked
        name = self._peer.name
        statement = (
            f"You give back the name {name}, with its mailbox: what waits there is lost,"
            " and nobody reaches you under that name any more."
        )
        self._questions.ask(statement, "Give it back?", name, self._unregister)
        return Code.DONE

    async def _unregister(self) -> Code:
        self._check_alone()
        await self._peer.unregister()
        name = self._peer.name
        given_back = f"You gave the name {name} back. For 30 days only your key can have it again."
        self._dialogue.say(given_back)
        self.is_over = True
        return Code.DONE
