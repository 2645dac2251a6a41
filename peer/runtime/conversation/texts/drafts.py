"""Send texts together that are said in one go: one signature and one message for all of them."""

import trio

from peer.runtime.conversation.performer import Performer


class Drafts:
    """My conversations in which something was said that is not signed and sent yet."""

    def __init__(self) -> None:
        self._waiting: list[Performer] = []
        self._something = trio.Event()

    def add(self, conversation: Performer) -> None:
        """Send what was said in this conversation soon."""
        if conversation not in self._waiting:
            self._waiting.append(conversation)
        self._something.set()

    def flush(self) -> None:
        """Send it now: the next event may end the conversation, or change its members."""
        if not self._waiting:
            return
        self._something = trio.Event()
        waiting, self._waiting = self._waiting, []
        for conversation in waiting:
            core = conversation.core
            if not (core.is_over or core.is_asleep):  # else it was sent when I left, or waits
                conversation.flush()

    async def run(self) -> None:
        """Run until cancelled."""
        while True:
            await self._something.wait()
            self.flush()
