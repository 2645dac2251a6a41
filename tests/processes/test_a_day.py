"""A day of three people at real terminals: each action is followed by what a screen must show."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from tests.kit.programs import Stage, tool
from tests.kit.terminals import Tmux, Window, terminals

ACTIONS = 75


@pytest.fixture
def tmux(stage: Stage) -> Iterator[Tmux]:
    yield from terminals(stage)


class Day:
    """Carol, dave and erin; `done` counts what they, and whoever runs the directory, do."""

    def __init__(self, tmux: Tmux) -> None:
        self.tmux = tmux
        self.carol, self.dave, self.erin = (tmux.window(one) for one in ("carol", "dave", "erin"))
        self.done = 0

    def types(self, who: Window, line: str, *told: tuple[Window, str]) -> None:
        """A line with Enter; then each of these reads that, below all that they read before."""
        self._acts(lambda: who.types(line), told)

    def presses(self, who: Window, key: str, *told: tuple[Window, str]) -> None:
        self._acts(lambda: who.presses(key), told)

    def begins(self, who: Window, prompt: str, line: str) -> None:
        """Type a line without Enter, behind this prompt."""
        self.done += 1
        who.has_prompt(prompt)
        who.types_only(line)
        who.has_prompt(f"{prompt} {line}")

    def answers(self, who: Window, answer: str, *told: tuple[Window, str]) -> None:
        """To the question that is open; what is too early is said once more."""
        self._acts(lambda: who.answers(answer), told)

    def starts(self, who: Window, *told: tuple[Window, str]) -> None:
        self._acts(who.starts, told)

    def leaves(self, who: Window, how: str, *told: tuple[Window, str]) -> None:
        """The program ends with code 0."""
        self._acts(lambda: who.presses(how) if how == "C-d" else who.types(how), told)
        assert who.ends() == "0"

    def stops_the_directory(self, *told: tuple[Window, str]) -> None:
        self._acts(self.tmux.stage.programs[0].dies, told)

    def starts_the_directory(self, *told: tuple[Window, str]) -> None:
        self._acts(self.tmux.stage.directory, told)

    def _acts(self, act: Callable[[], object], told: tuple[tuple[Window, str], ...]) -> None:
        self.done += 1
        before = [window.count(text) for window, text in told]
        act()
        for (window, text), count in zip(told, before, strict=True):
            window.until(partial(_is_new, window, text, count), f"{text!r}, action {self.done}")


def _is_new(window: Window, text: str, before: int) -> bool:
    return window.count(text) > before


def test_a_day_of_three_without_a_surprise(tmux: Tmux) -> None:
    day = Day(tmux)
    _arrives(day)
    _looks_around(day)
    _writes_lines(day)
    _talks(day)
    _leaves_messages(day)
    _works_without_the_directory(day)
    _goes_home(day)
    assert day.done == ACTIONS
    for window in (day.carol, day.dave, day.erin):
        for never in ("Not delivered", "out of reach", "bug in this program"):
            assert not window.count(never), window.transcript()


def _arrives(day: Day) -> None:
    carol, dave, erin = day.carol, day.dave, day.erin
    day.types(carol, f"clear; {tool('peer')}", (carol, "Your name:"))
    day.presses(carol, "C-c")
    assert carol.ends() == "130"
    day.starts(carol, (carol, "LIST USERS shows who is there."))
    day.starts(dave, (carol, "dave is online."))
    day.starts(erin, (carol, "erin is online."), (dave, "erin is online."))


def _looks_around(day: Day) -> None:
    carol, dave = day.carol, day.dave
    day.types(carol, "HELP", (carol, "HELP ALL"))
    day.types(carol, "HELP CHAT", (carol, "invite a user to a conversation"))
    day.types(carol, "LIST USERS", (carol, "ACTIVE"))
    day.types(carol, "INFO dave", (carol, "key "))
    day.types(carol, "STATUS", (carol, "Your status is ACTIVE."))
    day.types(carol, "STATUS BUSY", (carol, "Your status is now BUSY."))
    day.types(carol, "ACTIVE", (carol, "Your status is now ACTIVE."))
    day.types(dave, "CHAT", (dave, "CHAT whom? For example: CHAT dave"))
    day.types(dave, "erin", (dave, "erin is a user: CHAT erin invites them"))
    day.types(dave, "Y", (dave, "No question is open."))


def _writes_lines(day: Day) -> None:
    carol, dave, erin = day.carol, day.dave, day.erin
    day.types(carol, "MSG good morning", (dave, "good morning"), (erin, "good morning"))
    day.types(carol, "MSG dave where are you?", (carol, "To everybody, or to dave alone?"))
    carol.toolbar_has("about dave: ALL/DAVE")
    day.types(carol, "DAVE", (dave, "where are you?"))
    day.types(dave, "carol at the station", (carol, "at the station"))
    day.types(dave, "/msg erin psst", (erin, "psst"))
    day.types(erin, "PRV dave what?", (dave, "what?"), (erin, "what?  "))
    assert not erin.count("where are you?")
    assert not carol.count("psst")


def _talks(day: Day) -> None:
    carol, dave, erin = day.carol, day.dave, day.erin
    day.types(carol, "CHAT dave", (dave, "User carol wants to chat with you."))
    day.answers(dave, "N", (carol, "User dave does not want to chat with you."))
    day.types(carol, "CHAT dave", (dave, "User carol wants to chat with you."))
    day.answers(dave, "Y", (carol, "You are now connected with dave."))
    carol.has_prompt("carol -> dave>")
    dave.has_prompt("dave -> carol>")
    # Behind a text stands a mark: how far it is, a busy machine decides.
    day.types(carol, "hello dave", (dave, "hello dave"), (carol, "hello dave  "))
    day.types(dave, "hello carol", (carol, "hello carol"), (dave, "hello carol  "))

    day.types(carol, "ADD erin", (erin, "User carol wants to chat with you and dave."))
    day.begins(carol, "carol -> dave>", "between the two of us")
    day.answers(erin, "Y", (carol, "User erin joined the conversation."))
    carol.has_prompt("carol -> dave, erin> between the two of us")
    day.presses(carol, "Enter", (carol, "Not sent: it was for dave, and erin has joined."))
    day.presses(carol, "C-c")
    carol.has_prompt("carol -> dave, erin>")
    day.types(carol, "all here?", (dave, "all here?"), (erin, "all here?"))
    day.types(erin, "yes", (carol, "yes"), (dave, "yes"))
    day.types(erin, "/msg dave not for carol", (dave, "not for carol"))

    day.types(carol, "/members", (carol, "direct"))
    day.types(carol, "WHO", (carol, "ACTIVE"))
    day.types(carol, "HELP", (carol, "HELP ALL"))
    day.types(carol, "STATUS", (carol, "Your status is BUSY."))
    day.types(carol, " HELP", (dave, "HELP"), (erin, "HELP"))
    day.types(carol, "/hlep", (carol, "Unknown command: /hlep. Did you mean HELP?"))
    day.types(carol, "/who got", (carol, "delivered at"))
    day.types(carol, "QUIT", (carol, "QUIT CONVERSATION first."))

    day.begins(erin, "erin -> carol, dave>", "dave is always late")
    day.types(dave, "\\q", (erin, "User dave left the conversation."))
    day.presses(erin, "Enter", (erin, "Not sent: it was for carol and dave, and dave has left."))
    day.presses(erin, "C-c")
    erin.has_prompt("erin -> carol>")
    day.types(carol, "QUIT CONVERSATION", (erin, "The conversation is over."))
    carol.has_prompt("carol>")
    erin.has_prompt("erin>")
    for other, never in ((erin, "the two of us"), (dave, "always late"), (carol, "not for carol")):
        assert not other.count(never), other.transcript()
    assert not dave.count("hlep")


def _leaves_messages(day: Day) -> None:
    carol, dave, erin = day.carol, day.dave, day.erin
    day.leaves(dave, "QUIT", (carol, "dave is offline."))
    day.types(carol, "CHAT dave", (carol, "Would you like to leave a message?"))
    day.answers(carol, "Y", (carol, "Write your message for dave"))
    carol.has_prompt("leave for dave>")
    day.types(carol, "the keys are at the desk", (carol, "Message left for dave."))
    day.types(carol, "/list users", (carol, "OFFLINE"))
    day.types(carol, "\\q", (carol, "You are done with the message for dave."))
    carol.has_prompt("carol>")
    day.types(erin, "LEAVE dave come to lunch", (erin, "Message left for dave."))
    day.starts(dave, (carol, "dave received your message of"), (erin, "dave received your"))
    dave.sees("the keys are at the desk", "come to lunch")


def _works_without_the_directory(day: Day) -> None:
    carol, dave, erin = day.carol, day.dave, day.erin
    day.types(dave, "CHAT carol", (carol, "User dave wants to chat with you."))
    day.answers(carol, "Y", (dave, "You are now connected with carol."))
    carol.has_prompt("carol -> dave>")
    dave.has_prompt("dave -> carol>")
    everybody = (carol, dave, erin)
    day.stops_the_directory(*((one, "Lost the directory, trying again.") for one in everybody))
    day.types(carol, "can you read me?", (dave, "can you read me?"))
    day.types(carol, "STATUS BUSY", (carol, "Your status will be BUSY when the directory is back."))
    day.types(erin, "LEAVE dave see you", (erin, "Kept for dave until the directory is back."))
    day.starts_the_directory(*((one, "The directory is back.") for one in everybody))
    dave.sees("see you")
    erin.sees("dave received your message of", count=2)
    day.types(carol, "STATUS", (carol, "Your status is BUSY."))
    day.types(carol, "/verify dave", (carol, "Are they the same at dave's?"))
    day.answers(carol, "/y", (carol, "dave is verified."))
    day.types(dave, "\\q", (carol, "The conversation is over."))
    carol.has_prompt("carol>")
    dave.has_prompt("dave>")


def _goes_home(day: Day) -> None:
    carol, dave, erin = day.carol, day.dave, day.erin
    day.types(carol, "IGNORE erin", (carol, "You will no longer hear from erin."))
    day.types(carol, "IGNORED", (carol, "You ignore erin."))
    day.types(carol, "HISTORY dave", (carol, "The last"), (carol, "can you read me?"))
    day.types(carol, "SEARCH station", (carol, "The last text that contains: station"))
    day.types(erin, "UNREGISTER", (erin, "Give it back? (Y/N)"))
    # Carol ignores erin; dave hears of each alone only if the one is told before the other goes.
    day.answers(erin, "Y", (erin, "You gave the name erin back."), (dave, "erin is offline."))
    assert erin.ends() == "0"
    day.leaves(carol, "QUIT", (carol, "Good bye! ☺"), (dave, "carol is offline."))
    day.leaves(dave, "C-d", (dave, "Good bye! ☺"))
