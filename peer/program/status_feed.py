"""Tell a screen the state of its peer."""

from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

import trio

from peer import events
from peer.console.console import Console
from peer.console.dialogue import Screen
from peer.local_peer import LocalPeer
from peer.screen.ui_state import Member, UiState
from shared.errors import ParleyError

GATHER_SECONDS: Final = 0.05  # at least, between two looks
LOOK_SECONDS: Final = 1.0  # between two looks at links and deliveries, in a conversation


class StateScreen(Screen, Protocol):
    """A screen that shows the state of the peer, too."""

    def stands(self, ui_state: UiState) -> None:
        """Show the present state without waiting."""


class StatusFeed:
    """Shows a screen the state of the peer, whenever that may have changed."""

    def __init__(self, face: StateScreen) -> None:
        self._face = face
        self._changed = trio.Event()
        self._must_ask = False  # the directory, for the list of users

    def heard(self, event: events.Event) -> None:
        """Note what happened to the peer."""
        if isinstance(event, events.Registered | events.DirectoryBack):
            self._must_ask = True
        self.look()

    def show(self, *shown: events.Event, then: Callable[[], None] | None = None) -> None:
        """Show events; a command in the background has made progress."""
        self._face.show(*shown, then=then)
        self.look()

    def look(self) -> None:
        """Note that something was done, so that the state may have changed."""
        self._changed.set()

    async def run(self, peer: LocalPeer, console: Console) -> None:
        while True:
            if self._must_ask:
                self._must_ask = False
                with suppress(ParleyError):  # the directory is gone again; an event reports it
                    await peer.roster.refresh()
            self._face.stands(_ui_state(peer, console))
            talks = bool(peer.conversation.others)
            with trio.move_on_after(LOOK_SECONDS if talks else float("inf")):
                await self._changed.wait()
            await trio.sleep(GATHER_SECONDS)
            self._changed = trio.Event()


def _ui_state(peer: LocalPeer, console: Console) -> UiState:
    members = tuple(
        Member(route.name, is_direct=route.is_direct, through=route.through, lacks=lacks)
        for route, lacks in peer.conversation.ways
    )
    return UiState(
        me=peer.name,
        status=peer.presence.status,
        members=members,
        writing_to=console.writing_to,
        waits_for=peer.invitations.waits_for,
        questions=console.questions,
        invited_by=tuple(question.inviter for question in peer.invitations.questions),
        directory_is_gone=not peer.is_registered,
        undelivered=peer.conversation.undelivered,
        to_come=peer.conversation.to_come,
        is_muted=console.is_muted,
        talk_went_on=console.talk_went_on,
        choices=console.choices,
        users=peer.roster.offered,
        here=console.targets.places.here,
        places=console.targets.look().states,
        rooms=tuple((room, peer.rooms.others(room)) for room in peer.rooms.labels),
        elsewhere=console.targets.places.others,
        seen_at=console.seen_at,
        namesakes=console.targets.namesakes,
        leads=tuple(place for _, place in console.leads),
        is_displaced=peer.is_displaced,
    )
