"""Keep what the operator has said in SQLite."""

from directory_server.core.operating.bans import Ban
from directory_server.core.operating.invites import Invite
from directory_server.storage import operations, ownership
from directory_server.storage.sqlite_access import SqliteAccess
from directory_server.storage.store import Listed


class SqliteOperations(SqliteAccess):
    async def listed(self) -> list[Listed]:
        return self._read(ownership.listed)

    async def orders(self) -> list[tuple[str, bool]]:
        return self._read(ownership.orders)

    async def order(self, names: list[str], *, free: bool) -> None:
        await self._write(lambda connection: ownership.order(connection, names, free=free))

    async def fulfil(self, names: list[str]) -> None:
        await self._write(lambda connection: ownership.fulfil(connection, names), frees=True)

    async def bans(self) -> list[Ban]:
        return self._read(operations.bans)

    async def ban(self, new: Ban) -> None:
        await self._write(lambda connection: operations.ban(connection, new))

    async def unban(self, gone: list[Ban]) -> None:
        await self._write(lambda connection: operations.unban(connection, gone), frees=True)

    async def invites(self) -> list[Invite]:
        return self._read(operations.invites)

    async def invite(self, new: Invite) -> None:
        await self._write(lambda connection: operations.invite(connection, new))

    async def uninvite(self, digests: list[bytes]) -> None:
        await self._write(lambda connection: operations.uninvite(connection, digests), frees=True)

    async def uses_left(self, digest: bytes) -> int:
        return self._read(lambda reader: operations.uses_left(reader, digest))

    async def motd(self) -> str:
        return self._read(operations.motd)

    async def set_motd(self, text: str) -> None:
        await self._write(lambda connection: operations.set_motd(connection, text))

    async def mail_waiting(self) -> tuple[int, int]:
        return self._read(operations.waiting)
