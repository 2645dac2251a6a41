"""Knock: ask a user to dial us whom we cannot dial."""

from peer.core.reach.ladder import Knocked
from peer.runtime.directory.directory_client import DirectoryClient
from peer.runtime.link.listener import LinkListener
from shared.errors import Refused, Unreachable
from shared.messages.directory import Done
from shared.messages.spots import Knock


class Knocker:
    def __init__(self, directory: DirectoryClient, listener: LinkListener) -> None:
        self._directory, self._listener = directory, listener

    async def knock(self, name: str) -> Knocked:
        """Let this user be told that we want to be dialled; return whether somebody does."""
        if not self._directory.is_there:
            return Knocked.SENT if self._listener.pass_knock(name) else Knocked.FAILED
        try:
            await self._directory.ask(lambda id: Knock(id, name), Done)
        except Refused as no:
            return Knocked.TOO_SOON if no.code == "LIMIT" else Knocked.FAILED
        except Unreachable:
            return Knocked.FAILED  # the dials may still succeed
        return Knocked.SENT
