"""An operator beside a directory in memory: `await operator(town).asks(Ban("carol"))`."""

from typing import Any

import trio

from directory_server.admin.operator import Operator, Running
from directory_server.admin.requests import Answer, AnyRequest
from directory_server.server import Bound
from tests.kit.cluster import SharedTown
from tests.kit.community import DIRECTORY, Community
from tests.kit.directory import Town


class Asking:
    """Somebody who asks an operator's questions, and keeps the answers."""

    def __init__(self, town: Town | SharedTown | Community) -> None:
        if isinstance(town, Town | SharedTown):
            directory, bound = town.directory, town.bound
        else:
            directory, bound = town.directory.running, Bound((DIRECTORY,), "", is_new=False)
        running = Running(
            bound,
            trio.current_time(),
            lambda: directory.strangers,
            directory.stop,
            town.nursery.start_soon,
        )
        self._operator = Operator(directory.community, running)

    async def asks(self, request: AnyRequest) -> list[Any]:
        """Perform the request; return all answers.  Raises Refused."""
        found: list[Answer] = []

        async def tell(answer: Answer) -> None:
            await trio.lowlevel.checkpoint()
            found.append(answer)

        await self._operator.perform(request, tell)
        return found

    async def said(self, request: AnyRequest) -> str:
        """Return the text of the last answer."""
        return str((await self.asks(request))[-1].text)
