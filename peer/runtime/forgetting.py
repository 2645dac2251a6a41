"""Forget the texts of conversations that are done, for a user who keeps no history."""

from peer import events
from peer.events import Tell
from peer.runtime.conversation.progress import Progress
from peer.runtime.conversation.texts.commit_queue import CommitQueue
from peer.runtime.conversation.texts.text_display import TextDisplay
from peer.runtime.tasks import Tasks
from peer.storage.journal import Journal
from shared.errors import StorageError
from shared.wording import clause
from shared.world import Clock


class Forgetting:
    def __init__(
        self, journal: Journal, clock: Clock, commits: CommitQueue, display: TextDisplay,
        progress: Progress, tasks: Tasks, tell: Tell, *, is_wanted: bool,
    ) -> None:  # fmt: skip
        self._journal, self._clock, self._commits = journal, clock, commits
        self._display, self._progress = display, progress
        self._tasks, self._tell, self._is_wanted = tasks, tell, is_wanted

    def begin(self, conversation: str | None = None) -> None:
        """Forget soon what was said in this conversation, or in all that I am not in."""
        if self._is_wanted:
            self._tasks.spawn(self._forget, conversation)

    async def _forget(self, conversation: str | None) -> None:
        try:
            self._display.note_shown()
            await self._progress.until(lambda: self._is_all_kept)
            await self._journal.forget_texts(conversation, self._clock.time())
        except StorageError as failure:
            notice = events.Notice(f"What was said cannot be forgotten: {clause(failure)}.")
            self._tell(notice, events.nothing)

    @property
    def _is_all_kept(self) -> bool:
        return not (self._commits.is_busy or self._display.is_checking)
