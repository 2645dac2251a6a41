"""Arrange the parts of the prompt: recent texts, the draft, a hint, the toolbar."""

from typing import Final

from prompt_toolkit.filters import Condition, has_completions, is_done, is_searching
from prompt_toolkit.formatted_text import ANSI, StyleAndTextTuples
from prompt_toolkit.layout import (
    ConditionalContainer,
    Dimension,
    Float,
    FloatContainer,
    FormattedTextControl,
    HSplit,
    Layout,
    Window,
)
from prompt_toolkit.layout.menus import CompletionsMenu

from peer.screen.editor.draft import Draft
from peer.screen.editor.host import EditorHost

MENU_ROWS: Final = 6  # at most, for completions
DRAFT_ROWS: Final = 10  # at most, for the draft; a longer one scrolls


class EditorLayout:
    """The rows below the scrollback."""

    def __init__(self, draft: Draft, host: EditorHost) -> None:
        self._draft, self._host = draft, host
        self.live = ""  #: lines of ANSI above the prompt that may still change

    def layout(self) -> Layout:
        live = ConditionalContainer(
            Window(
                FormattedTextControl(lambda: ANSI(self.live.rstrip("\n"))),
                dont_extend_height=True,
                wrap_lines=True,
            ),
            Condition(lambda: bool(self.live)) & ~is_done,
        )
        draft = Window(
            self._draft.control,
            height=self._draft_height,
            wrap_lines=True,
            dont_extend_height=True,
        )
        searching = ConditionalContainer(Window(self._draft.searching, height=1), is_searching)
        menu = CompletionsMenu(max_height=MENU_ROWS, extra_filter=has_completions)
        rows = HSplit([live, ConditionalContainer(draft, ~is_done), searching, self._below()])
        whole = FloatContainer(rows, [Float(menu, xcursor=True, ycursor=True)])
        return Layout(whole, self._draft.control)

    def _below(self) -> ConditionalContainer:
        hint = ConditionalContainer(
            Window(
                FormattedTextControl(self._hint),
                height=1,
                style="class:hint",
                wrap_lines=False,
            ),
            ~is_searching,  # Enter takes what was found, and sends nothing yet
        )
        toolbar = Window(
            FormattedTextControl(self._host.toolbar),
            height=1,
            style="class:toolbar",
            wrap_lines=False,
        )
        return ConditionalContainer(HSplit([hint, toolbar]), ~is_done)

    def _draft_height(self) -> Dimension:
        return Dimension(min=1 + min(MENU_ROWS, self._draft.offers), max=DRAFT_ROWS)

    def _hint(self) -> StyleAndTextTuples:
        return [("class:hint", self._draft.hint)]
