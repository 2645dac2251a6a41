"""Perform what the operator asks, on a directory that runs or on its data alone."""

import base64
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import trio

from directory_server.admin import requests as ask
from directory_server.admin.requests import Answer, AnyRequest
from directory_server.community.community import Community
from directory_server.community.elsewhere import KICKED
from directory_server.core.mail_limits import MIB
from directory_server.core.operating.bans import ADDRESS, USER, Ban, parse_network, spell_network
from directory_server.core.operating.durations import spell_duration
from directory_server.core.operating.invites import TOKEN_BYTES, Invite, digest_of
from directory_server.core.registry import User
from directory_server.housekeeping import PAUSE_SECONDS, POSTS_AT_ONCE
from directory_server.server import Bound
from directory_server.storage.backup import back_up
from directory_server.storage.store_mark import is_elsewhere
from shared.clean import on_one_line
from shared.errors import Refused, StorageError
from shared.identity import fingerprint
from shared.messages.common import Bye
from shared.messages.directory import PAGE, Move, Notice
from shared.names import fold
from shared.version import VERSION

log = logging.getLogger(__name__)

OPEN: Final = "Everybody may register without it now: start the directory with --closed."
DUMP: Final = " Names and mail are in PostgreSQL: back them up with pg_dump -n parley."
RETURNS: Final = " It was here: the program may register it again before anybody else does."
DRAIN_AT_ONCE: Final = 10  # users who are sent away, then a pause: 200 a second
DRAIN_PAUSE: Final = 0.05
RESTARTED: Final = "the directory is about to be restarted"
MOVE_SECONDS: Final = 10.0  # to register elsewhere: then also old programs are sent away
GONE_SECONDS: Final = 10.0  # for the last ones to say good bye
FAREWELL_SECONDS: Final = 2.0  # for the operator to read that it is over
NAME_PREFIX: Final = "name:"  # before a name that looks like an address
IN_NO_NAME: Final = frozenset("/:")  # but in networks, and in IPv6

Tell = Callable[[Answer], Awaitable[None]]


@dataclass(frozen=True)
class Running:
    """The directory that runs around the community."""

    bound: Bound
    since: float  # by trio's clock
    strangers: Callable[[], int]
    stop: Callable[[], None]
    spawn: Callable[[Callable[[], Awaitable[None]]], None]


class Operator:
    def __init__(self, community: Community, running: Running | None = None) -> None:
        """`running`: None when only the data is there."""
        self._community, self._running = community, running
        self._emptied = trio.Event()
        self._told = trio.Event()
        self._backups: set[Path] = set()  # that are being written

    async def perform(self, request: AnyRequest, tell: Tell) -> None:
        """Perform a request; `tell` each answer.  Raises Refused, or StorageError."""
        match request:
            case ask.Status():
                await tell(await self._state())
            case ask.Users(prefix=prefix):
                await self._users(prefix, tell)
            case ask.Kick(name=name, reason=reason):
                await tell(await self._kick(name, reason))
            case ask.Ban():
                await tell(await self._ban(request))
            case ask.Unban(whom=whom):
                await tell(await self._unban(whom))
            case ask.Bans():
                for ban in self._community.orders.bans.all(self._time()):
                    await tell(ask.Banned(ban.whom, ban.kind, ban.since, ban.until, ban.reason))
            case ask.Forget(name=name, is_certain=is_certain):
                await tell(await self._forget(name) if is_certain else await self._loses(name))
            case ask.Invite():
                await tell(await self._invite(request))
                if self._running is not None and not self._community.admission.wants_token:
                    await tell(ask.Said(OPEN))
            case ask.Invites():
                for invite in self._community.orders.invites.all(self._time()):
                    await tell(_shown(invite))
            case ask.Uninvite(id=id):
                await tell(await self._uninvite(id))
            case ask.Notice(text=text):
                await tell(await self._notice(text))
            case ask.Motd(text=text):
                await tell(await self._motd(text))
            case ask.Backup(folder=folder):
                await tell(await self._back_up(Path(folder)))
            case ask.Drain():
                await self._drain(tell)
            case ask.Log(level=level):
                self._alive()
                logging.getLogger().setLevel(level.upper())
                await tell(ask.Said(f"The log tells {level} and what is graver."))

    # --- Looking ---

    async def _state(self) -> ask.State:
        community, running = self._community, self._alive()
        settings = community.settings
        waiting, mail_bytes = await self._mail_waiting()
        statuses: Counter[str] = Counter()
        for user in community.registry.everybody():
            statuses[user.status.value] += 1
        registering = "open" if settings.token is None else "token"
        return ask.State(
            version=VERSION,
            key=running.bound.fingerprint,
            addresses=tuple(map(str, running.bound.addresses)),
            up_seconds=trio.current_time() - running.since,
            users={name: statuses[name] for name in ("ACTIVE", "BUSY", "INACTIVE", "OFFLINE")},
            names=statuses.total(),
            connections=settings.connections,
            strangers=running.strangers(),
            messages_waiting=waiting,
            mail_bytes=mail_bytes,
            mail_most_bytes=settings.mail_mib * MIB,
            registering="invites" if settings.is_closed else registering,
            bans=len(community.orders.bans.all(self._time())),
            invites=len(community.orders.invites.all(self._time())),
            motd=community.orders.motd,
            log=logging.getLevelName(logging.getLogger().level).lower(),
            draining=community.orders.is_draining,
            store_failing=community.store.failing_since is not None or waiting is None,
            directories=community.others.alive + 1,
            others=community.others.addresses,
            registrations=dict(community.counts.registrations),
            left=dict(community.counts.left),
            taken=community.counts.taken,
            cut=dict(community.counts.cut),
        )

    async def _mail_waiting(self) -> tuple[int, int] | tuple[None, None]:
        try:
            return await self._community.store.mail_waiting()
        except StorageError:  # all the rest is known, and wanted most at such a moment
            return None, None

    async def _users(self, prefix: str, tell: Tell) -> None:
        for number, user in enumerate(self._community.registry.everybody(), start=1):
            if fold(user.name).startswith(fold(prefix)):
                await tell(await self._row(user))
            if number % PAGE == 0:
                await trio.lowlevel.checkpoint()

    async def _row(self, user: User) -> ask.User:
        try:
            waiting: int | None = await self._community.store.waiting(user.id)
        except StorageError:
            waiting = None
        return ask.User(
            user.name,
            user.status.value,
            user.since,
            user.place.address,
            fingerprint(user.key),
            round(user.usage.seconds / 3_600, 1),
            waiting,
        )

    # --- Keeping out ---

    async def _kick(self, name: str, reason: str) -> ask.Said:
        self._alive()
        user = self._community.registry.look_up(name)
        because = f": {reason}" if reason else ""
        told = f"Your connection is ended{because or '.'}"
        if user.is_elsewhere:
            await self._community.others.kick(user.id, told)
        elif not self._community.sessions.expel(user, Notice(told), Bye(KICKED)):
            raise Refused(f"User {user.name} is offline at this moment.", "OFFLINE")
        log.warning("the operator has ended the connection of %s%s", user.name, because)
        return ask.Said(f"The connection of {user.name} is ended; the program may come back.")

    async def _ban(self, request: ask.Ban) -> ask.Said:
        community, now = self._community, self._time()
        until = None if request.seconds is None else now + request.seconds
        reason = on_one_line(request.reason)
        network = parse_network(request.whom)
        if network is not None:
            ban = Ban(ADDRESS, spell_network(network), "", now, until, reason)
        else:
            name = request.whom.removeprefix(NAME_PREFIX)
            if name == request.whom and IN_NO_NAME & set(name):
                raise Refused(f"{name} is no address, and no network", "USAGE")
            user = community.registry.look_up(name)
            ban = Ban(USER, user.key.hex(), user.name, now, until, reason)
        community.orders.bans.check_room()
        await community.store.ban(ban)
        community.orders.bans.add(ban)
        community.others.telling.orders()
        banned = community.orders.expel_banned()
        lasting = (
            "for ever" if request.seconds is None else f"for {spell_duration(request.seconds)}"
        )
        log.warning("the operator has banned %s %s: %s", ban.whom, lasting, reason or "-")
        are = "1 connection is" if banned == 1 else f"{banned} connections are"
        links = f"; {are} ended" if banned else ""
        return ask.Said(f"{ban.whom} is banned {lasting}{links}.")

    async def _unban(self, whom: str) -> ask.Said:
        community = self._community
        bans = community.orders.bans.named(whom.removeprefix(NAME_PREFIX), self._time())
        if not bans:
            raise Refused(f"{whom} is not banned", "NOBODY")
        await community.store.unban(bans)
        community.others.telling.orders()
        for ban in bans:
            community.orders.bans.remove(ban)
        log.warning("the operator has taken the ban of %s back", bans[0].whom)
        return ask.Said(f"{bans[0].whom} is not banned any more.")

    # --- Names ---

    async def _loses(self, name: str) -> ask.Loses:
        community = self._community
        user = community.registry.find(name)
        if user is None:
            buried = community.names.buried(name)
            if buried is None:
                raise Refused(f"User {name} does not exist!", "NOBODY")
            text = (
                f"{buried.name} was given back or has expired, and is kept for its old key."
                " Whoever asks first can have it then."
            )
            return ask.Loses(buried.name, False, 0.0, 0, text)
        waiting = await community.store.waiting(user.id)
        are = "message that waits" if waiting == 1 else "messages that wait"
        lost = f"{waiting} {are} for {user.name} will be lost. " if waiting else ""
        still = "" if not user.is_here else f"{user.name} is here at this moment! "
        text = (
            f"{still}{lost}Whoever asks first can have the name then; who remembers the old key"
            " is warned that it has changed."
        )
        return ask.Loses(user.name, user.is_here, user.since, waiting, text)

    async def _forget(self, name: str) -> ask.Said:
        community = self._community
        user = community.registry.find(name)
        if user is not None:
            back = RETURNS if user.is_here else ""
            await community.names.forget(user, free=True)
            log.warning("the operator has forgotten the name %s", user.name)
            return ask.Said(f"{user.name} is forgotten: anybody may register the name.{back}")
        if not await community.names.unbury(name):
            raise Refused(f"User {name} does not exist!", "NOBODY")
        log.warning("the operator has freed the name %s", name)
        return ask.Said(f"{name} is free: anybody may register the name.")

    # --- Letting in ---

    async def _invite(self, request: ask.Invite) -> ask.Invited:
        community, now = self._community, self._time()
        community.orders.invites.check_room(request.uses)
        random = community.world.chance.randbytes(TOKEN_BYTES)
        token = base64.b32encode(random).decode().lower()
        until = None if request.seconds is None else now + request.seconds
        invite = Invite(digest_of(token), request.uses, now, until, on_one_line(request.note))
        await community.store.invite(invite)
        community.orders.invites.add(invite)
        community.others.telling.orders()
        log.warning("the operator has made the invite %s", invite.id)
        join = "" if self._running is None else self._running.bound.join_line(token)
        return _shown(invite, token, join)

    async def _uninvite(self, id: str) -> ask.Said:
        community = self._community
        invite = community.orders.invites.named(id, self._time())
        if invite is None:
            raise Refused(f"there is no invite {id}", "NOBODY")
        await community.store.uninvite([invite.digest])
        community.others.telling.orders()
        community.orders.invites.remove(invite.digest)
        log.warning("the operator has taken the invite %s back", invite.id)
        return ask.Said(f"The invite {invite.id} lets nobody in any more.")

    # --- Telling ---

    async def _notice(self, text: str) -> ask.Said:
        self._alive()
        log.warning("the operator tells everybody: %s", text)
        links, others = list(self._community.sessions.links.values()), self._community.others
        elsewhere = self._community.registry.here - len(links)
        for number, link in enumerate(links, start=1):
            link.post(Notice(text))
            if number % POSTS_AT_ONCE == 0:
                await trio.sleep(PAUSE_SECONDS)
        try:
            await others.notice(text)
        except StorageError as error:
            if elsewhere or others.alive:  # users may have come in there that we do not know of
                missed = f"to {elsewhere} elsewhere" if elsewhere else "at other directories"
                here = f"told to {len(links)} users here, but not {missed}"
                raise StorageError(f"{here}: {error}") from error
            log.info("the other directories are not told: %s", error)
        return ask.Said(f"Told to {len(links) + elsewhere} users.")

    async def _motd(self, text: str | None) -> ask.Said:
        community = self._community
        if text is not None:
            await community.store.set_motd(text)
            community.orders.motd = text
            log.warning("the operator lets newcomers be told: %s", text or "nothing")
            community.others.telling.orders()
        if not community.orders.motd:
            return ask.Said("Nobody is told anything on coming in.")
        return ask.Said(f"Whoever comes in is told: {community.orders.motd}")

    # --- Keeping, and ending ---

    async def _back_up(self, folder: Path) -> ask.Said:
        disk = self._community.world.disk
        if folder in self._backups:
            raise Refused(f"a backup to {folder} is being written already")
        self._backups.add(folder)
        try:
            size = await disk.run(lambda: back_up(disk, folder))
        finally:
            self._backups.discard(folder)
        log.warning("the operator has backed up to %s", folder)
        rest = DUMP if is_elsewhere(disk) else ""
        return ask.Said(
            f"Backed up to {folder}, {size / MIB:,.1f} MiB. It holds the community's key:"
            f" keep it where nobody else can read it.{rest}"
        )

    async def _drain(self, tell: Tell) -> None:
        """Send everybody away, although the operator may not wait for it."""
        running, community = self._alive(), self._community
        if community.orders.is_draining:
            raise Refused("the directory is being emptied already")
        community.orders.is_draining = True
        log.warning(
            "the operator empties the directory: %d users are here", len(community.sessions.links)
        )
        running.spawn(lambda: self._empty(running))
        await tell(ask.Said(f"{len(community.sessions.links)} users are sent away; none comes in."))
        await self._emptied.wait()
        await tell(ask.Said("Everybody is gone; the directory ends."))
        await tell(ask.Done())
        self._told.set()

    async def _empty(self, running: Running) -> None:
        community = self._community
        others = community.others.addresses
        community.others.stay_unnamed()
        for number, link in enumerate(list(community.sessions.links.values()), start=1):
            if others:
                link.post(Move(others[number % len(others)]))
            else:
                community.sessions.send_away(link, RESTARTED)
            if number % DRAIN_AT_ONCE == 0:
                await trio.sleep(DRAIN_PAUSE)
        if others:
            with trio.move_on_after(MOVE_SECONDS):
                await community.sessions.wait_until_alone()
        with trio.move_on_after(GONE_SECONDS):
            await community.sessions.say_good_bye()
        self._emptied.set()
        with trio.move_on_after(FAREWELL_SECONDS):
            await self._told.wait()
        running.stop()

    def _alive(self) -> Running:
        """Raises Refused when only the data is there."""
        if self._running is None:
            raise Refused("no directory runs on this data", "DIRECTORY")
        return self._running

    def _time(self) -> float:
        return self._community.clocks.time()


def _shown(invite: Invite, token: str = "", join: str = "") -> ask.Invited:  # nosec B107
    return ask.Invited(invite.id, invite.uses, invite.since, invite.until, invite.note, token, join)
