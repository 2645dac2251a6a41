"""Run the editor in a thread of its own, beside trio."""

import signal
import threading
from typing import Final

import trio

from peer.screen.editor.editor import Editor
from peer.screen.terminal.main_thread import MainThread

STOP_SECONDS: Final = 2.0  # for the editor to leave the terminal as it was


async def run_editor(
    editor: Editor, main: MainThread, *, task_status: trio.TaskStatus[None]
) -> None:
    """Run the editor's thread; end only with its error, or EOFError when no key can come."""
    is_up, is_over = trio.Event(), trio.Event()
    failures: list[BaseException] = [EOFError()]

    def live() -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTSTP})
        try:
            editor.run(lambda: main.call(is_up.set))
        except BaseException as failure:  # raised again in the main thread, see below
            failures.append(failure)
        main.call(is_over.set)
        main.call(is_up.set)

    threading.Thread(target=live, name="editor", daemon=True).start()
    try:
        await is_up.wait()
        task_status.started()
        await is_over.wait()
    finally:
        editor.call(editor.stop)
        with trio.move_on_after(STOP_SECONDS, shield=True):
            await is_over.wait()
    raise failures[-1]
