"""Turn events into lines for this terminal."""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from prompt_toolkit.output import ColorDepth, Output

from peer.events import Event
from peer.results import Sent

if TYPE_CHECKING:
    from rich.console import RenderableType

    from peer.screen.paint.colours import Colours
    from shared.world import Clock


class Canvas:
    """Paints at the present width of the terminal, in the colours that it has."""

    def __init__(self, output: Output, clock: "Clock | None") -> None:
        self._output, self._clock = output, clock
        self.depth, self._colours = _colours()

    def import_painter(self) -> None:
        """Import the painter after the prompt is shown; it takes a twentieth of a second."""
        from peer.screen.paint.paint import Painter, ansi, mark  # noqa: PLC0415
        from shared.world import SystemClock  # noqa: PLC0415

        self._painter = Painter(self._clock or SystemClock())
        self._to_ansi, self._mark = ansi, mark

    def lines(self, events: Iterable[Event], me: str) -> str:
        """Return the lines for these events, as ANSI text."""
        self._painter.me = me
        return self._ansi(self._painter.paint_all(events))

    def live_lines(self, texts: Iterable[Sent]) -> str:
        """Return the lines for texts of mine whose marks may still change."""
        return self._ansi([row for sent in texts for row in self._live_rows(sent)])

    def _live_rows(self, sent: Sent) -> "list[RenderableType]":
        states = sent.handle.states() if sent.handle is not None else {}
        return self._painter.paint_sent(sent, self._mark(states), is_live=True)

    def _ansi(self, rows: "list[RenderableType]") -> str:
        return self._to_ansi(rows, width=self._output.get_size().columns, colours=self._colours)


def _colours() -> "tuple[ColorDepth, Colours | None]":
    """Return the colours of the terminal: for the editor, and for the painter."""
    term = os.environ.get("TERM", "")
    if os.environ.get("NO_COLOR"):
        return ColorDepth.DEPTH_1_BIT, None
    if os.environ.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return ColorDepth.DEPTH_24_BIT, "truecolor"
    if "256color" in term or "direct" in term:
        return ColorDepth.DEPTH_8_BIT, "256"
    return ColorDepth.DEPTH_4_BIT, "standard"
