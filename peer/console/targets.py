"""Go to the places of one user, and count what comes for those where the user is not."""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from peer import events, place_results
from peer.commands.grammar import (
    Answer,
    Chat,
    Command,
    Go,
    LeaveMessage,
    ListMuted,
    ListPlaces,
    Loud,
    Private,
    Say,
    SayIn,
    SetLoudness,
)
from peer.console.codes import Code
from peer.console.dialogue import Dialogue
from peer.console.message_sender import MessageSender
from peer.console.questions import OpenQuestions
from peer.core.targets.choice import known_as, named
from peer.core.targets.leading import leads_to
from peer.core.targets.place import HOME, Place, place_of
from peer.core.targets.places import Places
from peer.core.targets.target import Target
from peer.local_peer import LocalPeer
from shared.errors import ParleyError, Refused
from shared.names import fold

SAID_OF: Final = {
    Loud.SHOWN: "{place} is shown again.",
    Loud.DIMMED: "{place} is shown in grey until UNMUTE {place}.",
    Loud.HELD: "{place} is only counted until UNMUTE {place}; GO {place} shows it.",
}


class Targets:
    """Leads the user to places.  `places` may be those of another console of the same user."""

    def __init__(
        self, peer: LocalPeer, dialogue: Dialogue, questions: OpenQuestions,
        messages: MessageSender, places: Places | None,
    ) -> None:  # fmt: skip
        self._peer, self._dialogue = peer, dialogue
        self._questions, self._messages = questions, messages
        self.places = Places() if places is None else places
        self._has_recalled = False  # which persons are quiet

    @property
    def target(self) -> Target:
        """The target of a line that is typed now."""
        return self.of(self.look().here)

    def of(self, place: Place) -> Target:
        """Return what that place means now."""
        others = tuple(route.name for route, _ in self._peer.conversation.ways)
        is_mine = bool(place.room) and bool(self._peer.rooms.label(place.room))
        members = self._peer.rooms.others(place.room) if is_mine else ()
        return Target(others, self._messages.writing_to, place, members)

    def look(self) -> Places:
        """Return the places, with the rooms that I am in now; say so if mine is no more."""
        here = self.places.here
        if not self._dialogue.is_script:
            self._recall()
        if not here.is_same(self.places.here):
            self._arrive(self.places.here)
        return self.places

    def _recall(self) -> None:
        """Let my rooms be places, and all places be as loud as their user has chosen once."""
        quiet, before = self._peer.choices.quiet, set(self.places.rooms)
        self.places.rooms_are(self._peer.rooms.labels)
        for room in set(self.places.rooms) - before:
            self.places.make(Place(room=room), quiet.of(Place(room=room)))
        if not self._has_recalled:
            self._has_recalled = True
            for person, loud in quiet.persons:
                with suppress(Refused):  # more are quiet than can be in view
                    self.places.make(person, loud)

    @property
    def namesakes(self) -> tuple[str, ...]:
        """Those of my rooms that are called like another user whom I know."""
        roster, me = self._peer.roster, fold(self._peer.name)
        return tuple(
            room for room in self._peer.rooms.labels if fold(room) != me and roster.is_known(room)
        )

    @property
    def unread(self) -> tuple[Place, ...]:
        """The places where something came that the user has not read."""
        return tuple(one.place for one in self.look().states if one.unread)

    # --- What comes ---

    def tell(self, event: events.Event, shown: Callable[[], None]) -> None:
        """Show what happened, unless it is for a place that is to be quiet."""
        if not isinstance(event, events.Said | events.SaidPrivately | events.Letter):
            self._dialogue.show(event, then=shown)
            return
        place = place_of(event, self._peer.rooms.labels)
        if place is not None and place.is_same(self.places.here):
            self._questions.note_text()
        match self.look().came(place, event, self._peer.time()):
            case Loud.SHOWN:
                self._dialogue.show(event, then=shown)
            case Loud.DIMMED:
                self._dialogue.show(place_results.Dimmed(event), then=shown)
            case Loud.HELD:
                shown()  # its user wants to see the number only

    def note_answer(self, command: Command) -> None:
        """Note that the user has read what they answer."""
        place = _written_to(command)
        if place is None or self._dialogue.is_script:  # whose user may have seen nothing
            return
        self.places.wrote(place)
        if place.is_same(self.places.here):
            self._questions.note_text()

    # --- What the user does ---

    def led_by(self, command: Command) -> None:
        """Go where this command of somebody without a prompt leads, before it is performed."""
        if self._dialogue.is_script or not isinstance(command, Answer | Chat):
            return
        places = self.look()
        place = leads_to(command, places.trail.back, places.rooms, self._questions.leads)
        if place is not None and not place.is_same(places.here):
            self.arrive(place)

    def arrive(self, place: Place) -> None:
        """Go there, and show what is unread there; home in place of a room that is no more."""
        self.look()
        is_gone = place.room and not self._peer.rooms.label(place.room)
        self._arrive(HOME if is_gone else known_as(self.places.states, place))

    def _arrive(self, place: Place) -> None:
        count, texts = self.places.go(place)
        self._dialogue.show(place_results.GoneTo(self.of(self.places.here)))
        if count:
            self._dialogue.show(place_results.WhatIsUnread(count, texts))

    async def perform(
        self, command: Go | SetLoudness | ListMuted | ListPlaces, *, is_bell_off: bool
    ) -> Code:
        match command:
            case Go():
                return await self.go(command, None)
            case SetLoudness():
                await self._set_loudness(command)
            case ListMuted():
                self._list_muted(is_bell_off=is_bell_off)
            case ListPlaces():
                self._list_places()
        return Code.DONE

    async def go(self, command: Go, led: Place | None, *, has_prompt: bool = False) -> Code:
        """Go where the command says; `led`: a prompt has shown its user there already.

        A prompt stays where it is when it has found no such place.
        """
        if self._dialogue.is_script:
            raise Refused("GO is for whoever types; a script uses PRV name text or TO room text.")
        if led is None:
            back, rooms = self.places.trail.back, self.look().rooms
            try:
                led = leads_to(command, back, rooms, (), self.namesakes)
            except Refused as no:
                return self._stay(no, has_prompt=has_prompt)
            assert led is not None, "GO always leads somewhere"
            if has_prompt:
                raise Refused("The prompt did not know that place yet: please type it again.")
            self.arrive(led)
        if led.room and not self._peer.rooms.label(led.room):
            raise Refused(f"You are in no room {led}.")
        if led.person and not self._peer.roster.is_known(led.person):
            return await self._dialogue.aside(self._look_up, led.person)
        return Code.DONE

    def _stay(self, why: Refused, *, has_prompt: bool) -> Code:
        """Say why I go nowhere, and without a prompt where each line goes still."""
        code = self._dialogue.fail(why)
        if not (has_prompt or self.places.here.is_home):
            self._dialogue.show(place_results.GoneTo(self.target))
        return code

    async def _look_up(self, name: str) -> Code:
        """Say so if there is no such user; each line would say it too."""
        try:
            await self._peer.finder.contact(name)
        except Refused:
            raise
        except ParleyError:
            return Code.DONE  # nobody can be asked now
        return Code.DONE

    async def _set_loudness(self, command: SetLoudness) -> None:
        places = self.look()
        words, name, sign = command.loud.value, command.name, command.sign
        place = named(words, name, sign, places.rooms, self.namesakes)
        place = known_as(places.states, place)
        if fold(place.person) == fold(self._peer.name):
            raise Refused("You can't mute yourself.")
        self.places.make(place, command.loud)
        await self._peer.choices.quiet.make(place, command.loud)
        self._dialogue.say(SAID_OF[command.loud].format(place=place))

    def _list_places(self) -> None:
        listed = place_results.PlaceList(
            self.look().states, self.target, self.places.forget_others()
        )
        self._dialogue.show(listed)

    def _list_muted(self, *, is_bell_off: bool) -> None:
        states = self.places.states
        held, dimmed = (
            tuple(str(one.place) for one in states if one.loud is loud)
            for loud in (Loud.HELD, Loud.DIMMED)
        )
        self._dialogue.show(place_results.MutedList(is_bell_off, held, dimmed))


def _written_to(command: Command) -> Place | None:
    """Return the place for which a command says something."""
    match command:
        case Private(name=name) | LeaveMessage(name=name):
            return Place(person=name)
        case Say():
            return HOME
        case SayIn(room=room):
            return Place(room=room)
    return None
