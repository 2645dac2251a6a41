"""Keep what the operator has said in PostgreSQL."""

from directory_server.core.operating.bans import Ban
from directory_server.core.operating.invites import Invite
from directory_server.storage.postgres import mail, names
from directory_server.storage.postgres.access import PostgresAccess
from directory_server.storage.store import Listed


class PostgresOperations(PostgresAccess):
    async def listed(self) -> list[Listed]:
        return await self._read(names.listed)

    async def orders(self) -> list[tuple[str, bool]]:
        return await self._read(names.orders)

    async def order(self, names_: list[str], *, free: bool) -> None:
        await self._write(lambda connection: names.order(connection, names_, free=free))

    async def fulfil(self, names_: list[str]) -> None:
        await self._write(lambda connection: names.fulfil(connection, names_))

    async def bans(self) -> list[Ban]:
        return await self._read(names.bans)

    async def ban(self, new: Ban) -> None:
        await self._write(lambda connection: names.ban(connection, new))

    async def unban(self, gone: list[Ban]) -> None:
        await self._write(lambda connection: names.unban(connection, gone))

    async def invites(self) -> list[Invite]:
        return await self._read(names.invites)

    async def invite(self, new: Invite) -> None:
        await self._write(lambda connection: names.invite(connection, new))

    async def uninvite(self, digests: list[bytes]) -> None:
        await self._write(lambda connection: names.uninvite(connection, digests))

    async def uses_left(self, digest: bytes) -> int:
        return await self._read(lambda connection: names.uses_left(connection, digest))

    async def motd(self) -> str:
        return await self._read(names.motd)

    async def set_motd(self, text: str) -> None:
        await self._write(lambda connection: names.set_motd(connection, text))

    async def mail_waiting(self) -> tuple[int, int]:
        return await self._read(mail.in_all)
