"""Knock: ask a user to dial us, for whom we cannot dial."""

from peer.runtime.directory.directory_client import DirectoryClient
from shared.errors import Refused, Unreachable
from shared.messages.directory import Done
from shared.messages.spots import Knock


class Knocker:
    def __init__(self, directory: DirectoryClient) -> None:
        self._directory = directory

    async def knock(self, name: str) -> bool:
        """Let the directory tell this user where we are; return whether it does."""
        try:
            await self._directory.ask(lambda id: Knock(id, name), Done)
        except (Refused, Unreachable):
            return False  # too often, or it is gone: the dials may still succeed
        return True
