"""Bind the keys that do more at this prompt than in any line editor."""

from collections.abc import Callable

from prompt_toolkit.filters import Condition, has_completions, is_searching
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.key_binding.bindings.search import (
    start_forward_incremental_search,
    start_reverse_incremental_search,
)

from peer.core.targets import choice
from peer.core.targets.places import LAST_NUMBER
from peer.screen.editor.draft import Draft
from peer.screen.editor.host import EditorHost
from peer.screen.editor.tty import erase, held

Obey = Callable[[KeyPressEvent], None]


class Keys:
    """Obeys the keys that act on the draft or on the whole screen."""

    def __init__(self, draft: Draft, host: EditorHost) -> None:
        self._draft, self._host = draft, host

    def bindings(self) -> KeyBindings:
        keys, is_typing = KeyBindings(), ~is_searching
        has_menu = Condition(self._draft.is_choosing)
        keys.add("enter", filter=is_typing & has_menu)(_take)
        keys.add("enter", filter=is_typing & ~has_menu)(self._enter)
        keys.add("escape", "enter", filter=is_typing)(_new_line)
        keys.add("c-c", eager=True)(self._clear)
        keys.add("c-d", eager=True, filter=is_typing)(self._leave)
        keys.add("c-l", eager=True)(_repaint)
        keys.add("c-z", eager=True)(_pause)
        keys.add("tab", filter=is_typing)(_complete)
        # The terminal scrolls by itself, and old lines are not called back.
        keys.add("pageup", eager=True)(_do_nothing)
        keys.add("pagedown", eager=True)(_do_nothing)
        keys.add("c-r", filter=is_typing)(start_reverse_incremental_search)
        keys.add("c-s", filter=is_typing)(start_forward_incremental_search)
        for number in range(1, LAST_NUMBER + 1):
            keys.add("escape", str(number), filter=is_typing)(self._numbered(number))
        keys.add("escape", "a", filter=is_typing)(self._unread)
        keys.add("escape", "g", filter=is_typing)(self._begin_go)
        keys.add("c-n", filter=is_typing & ~has_completions)(self._stepped(1))
        keys.add("c-p", filter=is_typing & ~has_completions)(self._stepped(-1))
        return keys

    # --- Elsewhere ---

    def _numbered(self, number: int) -> Obey:
        def go(_: KeyPressEvent) -> None:
            place = choice.numbered(self._host.places, number)
            self._draft.go(place, f"No place has the number {number}; GO ? lists them.")

        return go

    def _unread(self, _: KeyPressEvent) -> None:
        desk = self._host.desk
        place = choice.next_unread(desk.seen(self._host.places), desk.here)
        others = self._host.unread_of_others
        counted = f"{others} unread of others, who have no place; GO ? lists all places."
        self._draft.go(place, counted if others else "Nothing is unread elsewhere.")

    def _begin_go(self, _: KeyPressEvent) -> None:
        self._draft.begin_go()

    def _stepped(self, by: int) -> Obey:
        def go(_: KeyPressEvent) -> None:
            desk = self._host.desk
            place = choice.stepped(desk.seen(self._host.places), desk.here, by)
            is_here = place.is_same(desk.here)
            self._draft.go(
                None if is_here else place, "There is no other place yet; GO name makes one."
            )

        return go

    # --- The line ---

    def _enter(self, _: KeyPressEvent) -> None:
        self._draft.enter()

    def _clear(self, event: KeyPressEvent) -> None:
        if is_searching():
            event.app.layout.focus(self._draft.control)
            self._draft.control.search_state.text = ""
        elif self._draft.text:
            self._draft.clear()
        else:
            self._draft.say(self._host.interrupt())

    def _leave(self, event: KeyPressEvent) -> None:
        if self._draft.text:
            event.current_buffer.delete()
        else:
            self._draft.quit()


def _take(event: KeyPressEvent) -> None:
    """Take the highlighted completion."""
    event.current_buffer.complete_state = None


def _new_line(event: KeyPressEvent) -> None:
    event.current_buffer.insert_text("\n")


def _repaint(event: KeyPressEvent) -> None:
    """Clear the screen, but not the scrollback."""
    output = event.app.output
    with held(output):
        erase(event.app)
        # Scroll what is above into the scrollback: not every terminal saves it itself.
        output.write_raw("\r\n" * (output.get_size().rows - 1))
        event.app.renderer.clear()
        event.app._redraw()


def _pause(event: KeyPressEvent) -> None:
    event.app.suspend_to_background()


def _complete(event: KeyPressEvent) -> None:
    buffer = event.current_buffer
    if buffer.complete_state:
        buffer.complete_next()
    else:
        buffer.start_completion(insert_common_part=True)


def _do_nothing(_: KeyPressEvent) -> None:
    """Keep a key from its usual meaning."""
