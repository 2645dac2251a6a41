"""One user's link, from WHO to BYE."""

import logging
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Final, cast

import msgspec
import trio

from directory_server.answers import Answers
from directory_server.community.backlogs import UserLink
from directory_server.community.community import Community
from directory_server.community.sight import pass_knock
from directory_server.core import spots
from directory_server.core.addresses import network_of
from directory_server.core.admission import (
    Applicant,
    Certify,
    Enter,
    Register,
    Reseal,
    Wait,
    WrongToken,
)
from directory_server.core.limits import NOTES_A_SECOND, NOTES_AT_ONCE
from directory_server.core.proofs import Visitor, check_here, check_iam, check_sealing
from directory_server.core.quotas import WRONG_TOKEN_SECONDS
from directory_server.core.registry import NameTaken, Place, User
from directory_server.core.tombstones import Validity
from directory_server.storage.store import Away, Kept, Newcomer, NotKept, Posted
from shared.bucket import TokenBucket
from shared.codec import encode
from shared.errors import ProtocolError, Refused, StorageError
from shared.link import HANDSHAKE_SECONDS
from shared.messages import common
from shared.messages import directory as wire
from shared.messages.common import VERSION, Bye, Err
from shared.messages.directory import Iam
from shared.messages.probes import TestPort
from shared.messages.punching import MEETING_BYTES, Here, Punch
from shared.messages.spots import Knock, Spot, SpotKind
from shared.notes import harmless_note

log = logging.getLogger(__name__)

NONCE_BYTES: Final = 32
DROPS_AT_ONCE: Final = 64  # batches of them, on their way from one link to the disk
RENEW_SECONDS: Final = 60.0  # between two certificates over one link: each is signed in the loop
TOO_MANY_NOTES: Final = "your status counts, but nobody reads the note: too many came at once"
GIVEN_BACK: Final = "the name was given back"


class Session:
    def __init__(self, community: Community, link: UserLink) -> None:
        self._community, self._link = community, link
        self._registry, self._store = community.registry, community.store
        self._answers = Answers(community, link)
        self._renewed_at = float("-inf")
        self._notes = TokenBucket(NOTES_A_SECOND, NOTES_AT_ONCE, trio.current_time())
        self._told = 0  # letters, by WELCOME
        self._is_new = False  # the name was registered over this link
        self._on_their_way = 0  # batches of drops, to the disk
        self._waits_for_disk: trio.Event | None = None

    async def serve(self, deadline: float, identified: Callable[[], None]) -> None:
        """Serve the link to its end.  Raises ProtocolError, or Refused if the user may not enter.

        `deadline` is for IAM or HERE; `identified` is called as soon as that is accepted.
        """
        said, visitor = await self._hear(deadline)
        if isinstance(said, Here):
            await self._let_meet(said, visitor, identified)
            return
        try:
            # A call of its own, so that its variables are freed: there are thousands of sessions.
            user = await self._come_in(said, visitor, deadline)
        except NameTaken as taken:
            self._community.counts.registrations["taken"] += 1
            self._link.hang_up(wire.Tkn(taken.name), Bye())
            return
        except WrongToken as wrong:
            self._community.counts.registrations["refused"] += 1
            self._community.note_wrong_token(self._link.wire.remote.host)
            await trio.sleep(WRONG_TOKEN_SECONDS)
            raise Refused(str(wrong), wrong.code) from None
        except Refused as no:
            outcome = "banned" if no.code == "BANNED" else "refused"
            self._community.counts.registrations[outcome] += 1
            raise
        except StorageError as error:
            raise Refused(_why_not(error), "DISK") from error
        del said, visitor
        identified()
        self._link.identified()
        try:
            await self._community.backlogs.say(user, self._link, self._told)
            await self._serve_requests(user)
            await self._wait_for_disk(0)  # else its last answers would not be sent
        finally:
            self._community.sessions.leave(user, self._link)

    # --- Coming in ---

    async def _come_in(self, iam: Iam, visitor: Visitor, deadline: float) -> User:
        """Register the user, up to WELCOME, which is posted once others can see the user.

        While the disk works others may enter, so admission is decided again after it.
        """
        admission, entrance = self._community.admission, self._community.entrance
        async with entrance:
            self._community.orders.check_open()
            check_iam(iam, visitor, self._community.authority, self._community.clocks.time())
        applicant = self._applicant(iam, visitor)
        known = self._registry.find(iam.name)
        if known is None or known.key != iam.key:
            await self._community.others.ask(iam.name)
        letters: int | None = None  # that wait, once counted
        while True:
            async with entrance:
                step = admission.next_step(applicant, self._community.clocks.moment())
                if isinstance(step, Enter) and letters is not None:
                    self._enter(step.user, iam, visitor, letters)
                    return step.user
            match step:
                case Wait(seconds):
                    await _pause(seconds, deadline)
                case Enter(user):
                    letters = await self._community.backlogs.count(user)
                case _:
                    await self._put_on_disk(step, iam)

    def _applicant(self, iam: Iam, visitor: Visitor) -> Applicant:
        origin = self._community.authority.mark_of(network_of(visitor.host))
        return Applicant(
            iam.name,
            iam.key,
            visitor.host,
            origin,
            iam.token,
            sealing=(iam.sealing_key, iam.sealing_proof),
            wants_certificate=bool(iam.request),
        )

    async def _hear(self, deadline: float) -> tuple[Iam | Here, Visitor]:
        """Return the first word of a visitor."""
        nonce = self._community.world.chance.randbytes(NONCE_BYTES)
        self._link.post(wire.Who(VERSION, self._community.authority.certificate, nonce))
        try:
            with trio.fail_at(deadline):
                said = await self._link.expect(common.Message)
        except trio.TooSlowError:
            self._community.counts.registrations["refused"] += 1
            raise Refused(
                f"you did not say who you are within {HANDSHAKE_SECONDS:.0f} seconds", "LIMIT"
            ) from None
        if not isinstance(said, Iam | Here):
            raise _unexpected(said)
        return said, Visitor(self._link.wire.remote.host, nonce, self._link.wire.certificate)

    async def _let_meet(self, here: Here, visitor: Visitor, identified: Callable[[], None]) -> None:
        """Let a user wait for another one; this is no registration."""
        community = self._community

        def check(user: User) -> None:
            check_here(
                visitor, name=user.name, key=user.key,
                authority=community.authority, now=community.clocks.time(),
            )  # fmt: skip

        await community.sessions.meeting_place.serve(here, self._link, check, identified)

    async def _put_on_disk(self, step: Register | Reseal | Certify, iam: Iam) -> None:
        """Put on disk what this step asks for.  Raises Refused, or StorageError."""
        community, sealing = self._community, (iam.sealing_key, iam.sealing_proof)
        match step:
            case Register(origin, invite):
                try:
                    check_sealing(iam)
                    certified = Validity.of_new(community.clocks.time(), community.clocks.age())
                    new = Newcomer(iam.name, iam.key, *sealing, origin, certified, invite)
                    await community.names.register(new)
                    self._is_new = True
                finally:
                    community.admission.settle(step)
            case Reseal(user):
                check_sealing(iam)
                await community.names.reseal(user, *sealing)
            case Certify(user):
                if not await community.names.note_certificate(user):
                    await community.others.ask(iam.name)

    def _enter(self, user: User, iam: Iam, visitor: Visitor, letters: int) -> None:
        """Let the user in.  Waits for nothing, so that what was decided still holds."""
        welcome, self._told = self._welcome(user, iam, letters), letters
        place = Place(visitor.host, iam.port, iam.host, spots.kept(iam.spots))
        self._community.sessions.arrive(
            user, self._link, place, iam.status, by_hand=iam.by_hand,
            note=harmless_note(iam.note), watch=iam.watch,
        )  # fmt: skip
        self._link.post(welcome)
        self._community.counts.registrations["new" if self._is_new else "again"] += 1
        log.info("%s is here, from %s", user.name, self._link.wire.remote)

    def _welcome(self, user: User, iam: Iam, letters: int) -> wire.Welcome:
        community = self._community
        certificate = self._certify(user) if iam.request else b""
        return wire.Welcome(
            name=user.name,
            host=iam.host or self._link.wire.remote.host,
            waiting=letters,
            idle_after=community.settings.idle_after,
            certificate=certificate,
            online=self._registry.here + (not user.is_here),
            motd=community.orders.motd,
            crowd=community.sessions.announcements.is_crowd,
            others=community.others.addresses,
            time=community.clocks.time(),
            seen=Spot(*self._link.wire.remote, SpotKind.SEEN),
            probe_ports=community.sessions.probes.ports,
            cookie=community.sessions.probes.cookie(self._link.wire.remote.host),
            punch=True,
        )

    def _certify(self, user: User) -> bytes:
        """Issue a certificate.  The signing request is not looked at: it says what IAM proved."""
        now = self._community.clocks.time()
        return self._community.authority.certify(name=user.name, key=user.key, now=now)

    async def _renew(self, user: User) -> bytes:
        now = trio.current_time()
        if now < self._renewed_at + RENEW_SECONDS:
            raise Refused(f"one certificate in {RENEW_SECONDS:.0f} seconds is enough", "LIMIT")
        self._renewed_at = now
        certificate = self._certify(user)
        if not await self._community.names.note_certificate(user):
            raise Refused(GIVEN_BACK, "NOBODY")
        return certificate

    # --- Requests ---

    async def _serve_requests(self, user: User) -> None:
        while batch := await self._link.receive():
            for run in _runs(batch):
                if not self._community.sessions.is_carried_by(user, self._link):
                    return  # the name was given back, or another program took over
                if isinstance(run[0], wire.Drop):
                    await self._drop(user, cast(list[wire.Drop], run))
                else:
                    await self._serve_one(user, run[0])

    async def _serve_one(self, user: User, message: wire.ToDirectory) -> None:
        re = message.id if isinstance(message, common.Request) else None
        try:
            await self._perform(user, message)
        except Refused as no:
            self._link.post(Err(no.code, str(no), re))
        except StorageError as error:
            self._link.post(Err("DISK", _why_not(error), re))

    async def _perform(self, user: User, message: wire.ToDirectory) -> None:
        """Perform a request.  Only STIR shows a person: programs ask and leave messages, too."""
        link, store, community = self._link, self._store, self._community
        match message:
            case wire.Stir():
                community.sessions.stir(user)
            case wire.List():
                await self._answers.list(message)
            case wire.Watch():
                await self._answers.watch(message)
            case wire.Lookup(name=name, own=own):
                found_now = self._registry.find(name)
                if found_now is None or not found_now.is_here:  # as far as we know
                    await community.others.ask(name)
                found = self._answers.look_up(message)
                if own:
                    await self._note_answer(user, found)
            case Knock(id=re, name=name):
                self._knock(user, self._registry.look_up(name))
                link.post(wire.Done(re))
            case TestPort(id=re):
                community.sessions.probes.test(user, link, re)
            case Punch(id=re, name=name):
                self._call(re, user, self._registry.look_up(name))
            case wire.SetStatus(id=re, status=status, by_hand=by_hand, note=note):
                note = self._admitted(user, note)
                community.sessions.set_status(user, status, by_hand=by_hand, note=note)
                link.post(wire.Done(re))
            case wire.SetSpots(id=re, spots=said):
                community.sessions.set_spots(user, spots.kept(said))
                link.post(wire.Done(re))
            case wire.Fetch(id=re, after=after):
                link.post(wire.Mail(re, *_letters(await store.mail(user.id, after))))
                await link.flush()
            case wire.Taken(id=re, envelopes=verdicts):
                owed = await store.take(
                    user.id, user.name, verdicts, community.clocks.time(), community.clocks.age()
                )
                link.post(wire.Done(re))
                community.counts.taken += len(owed)
                community.sessions.push_receipts(owed)
                community.others.telling.taken(one.sender for one in owed)
            case wire.Noted(id=re, envelopes=envelopes):
                await store.note(user.id, envelopes)
                link.post(wire.Done(re))
            case wire.Renew(id=re):
                link.post(wire.Renewed(re, await self._renew(user)))
            case wire.Unregister(id=re):
                for over in await community.names.release([user]):
                    over.hang_up(*([wire.Done(re)] if over is link else []), Bye(GIVEN_BACK))
            case Err(code=code, text=text):
                log.info("%s says %s: %s", user.name, code, text)
            case _:
                raise _unexpected(message)

    def _admitted(self, user: User, note: str) -> str:
        """Return the note to tell others; none, with a word to its author, if it comes too soon."""
        note = harmless_note(note)
        if note in ("", user.note) or not self._notes.take(1, trio.current_time()):
            return note
        self._link.post(Err("NOTE", TOO_MANY_NOTES))
        return ""

    async def _note_answer(self, user: User, other: User) -> None:
        """Reserve room in this user's mailbox for the other's letters, from the commit on."""
        if other is not user:
            try:
                if not await self._store.has_answered(user.id, other.id):
                    await self._store.answer(user.id, other.id)
            except StorageError as error:
                log.info("%s has answered somebody, which is not on disk: %s", user.name, error)

    def _knock(self, caller: User, callee: User) -> None:
        """Let a user be told, if they are here, that another one wants to be dialled."""
        community, here = self._community, self._link.wire.remote.host
        sessions = community.sessions
        sessions.knocks.take(caller.name, here, callee.name, trio.current_time())
        link = sessions.links.get(callee.id)
        if link is None and callee.is_here:
            community.others.telling.knock(caller.id, callee.id)
        elif link is not None and callee is not caller:
            pass_knock(caller, link)

    def _call(self, re: int, caller: User, callee: User) -> None:
        """Let a user be told that another one waits for them, to open a way from both sides."""
        token = self._community.world.chance.randbytes(MEETING_BYTES)
        meeting_place, here = self._community.sessions.meeting_place, self._link.wire.remote.host
        self._link.post(meeting_place.call(re, caller, callee, here, token))

    # --- Mail ---

    async def _drop(self, user: User, drops: list[wire.Drop]) -> None:
        """Store all envelopes in one commit; all answers go out in one write, after it.

        Returns at once, unless too many are on their way to the disk.
        """
        await self._wait_for_disk(DROPS_AT_ONCE)
        answers: list[msgspec.Struct] = []
        posted: list[Posted] = []
        accepted: list[wire.Drop] = []
        for drop in drops:
            receiver = self._registry.find(drop.to) or await self._community.others.ask(drop.to)
            if receiver is None:
                answers.append(Err("NOBODY", f"User {drop.to} does not exist!", drop.id))
            elif receiver is user:
                answers.append(Err("REFUSED", "You can't leave a message for yourself.", drop.id))
            else:
                posted.append(Posted(drop.envelope, receiver.id, receiver.name, drop.sealed))
                accepted.append(drop)
                self._community.sessions.announcements.notice(self._link, receiver.name)
        self._community.counts.answered(answers)
        self._link.post_bytes(b"".join(map(encode, answers)))
        if posted:
            self._keep(user, posted, accepted)

    def _keep(self, user: User, posted: list[Posted], drops: list[wire.Drop]) -> None:
        def then(results: list[Kept | NotKept] | StorageError) -> None:
            self._on_their_way -= 1
            if self._waits_for_disk is not None:
                self._waits_for_disk.set()
            if isinstance(results, StorageError):
                why = f"the directory did not store the message: {results}"
                answers: list[msgspec.Struct] = [Err("DISK", why, one.id) for one in drops]
            else:
                self._tell_receivers(posted, results)
                answers = [_outcome(*one) for one in zip(drops, results, strict=True)]
            self._community.counts.answered(answers)
            self._link.post_bytes(b"".join(map(encode, answers)))

        self._on_their_way += 1
        self._store.drop(
            user.id, posted, self._community.clocks.time(), self._community.clocks.age(), then
        )

    def _tell_receivers(self, posted: list[Posted], results: list[Kept | NotKept]) -> None:
        waiting = {
            one.receiver: result.waiting
            for one, result in zip(posted, results, strict=True)
            if isinstance(result, Kept) and result.waiting
        }
        for receiver, count in waiting.items():
            self._community.sessions.push(receiver, wire.Waiting(count))
        self._community.others.telling.mail(waiting)  # they may have moved by now

    async def _wait_for_disk(self, most: int) -> None:
        """Return when at most so many drops are on their way to the disk."""
        while self._on_their_way > most:
            self._waits_for_disk = trio.Event()
            await self._waits_for_disk.wait()
            self._waits_for_disk = None


def _runs(batch: Iterable[wire.ToDirectory]) -> Iterator[list[wire.ToDirectory]]:
    """Split what came: envelopes that follow each other are stored together."""
    for is_drop, run in groupby(batch, lambda message: isinstance(message, wire.Drop)):
        if is_drop:
            yield list(run)
            continue
        for message in run:
            yield [message]


def _unexpected(message: object) -> ProtocolError:
    tag = cast(msgspec.Struct, message).__struct_config__.tag
    return ProtocolError(f"{tag} does not belong here")


def _why_not(error: StorageError) -> str:
    if isinstance(error, Away):
        return f"{error}: try again later"
    return f"the directory's disk is full or broken: {error}"


async def _pause(seconds: float, deadline: float) -> None:
    """Wait before judging an applicant whose address has sent wrong tokens."""
    if trio.current_time() + seconds > deadline - WRONG_TOKEN_SECONDS:  # the cost of a wrong one
        raise Refused("too many wrong tokens came from your address", "LIMIT")
    await trio.sleep(seconds)


def _outcome(drop: wire.Drop, result: Kept | NotKept) -> msgspec.Struct:
    match result:
        case NotKept(code=code, why=why):
            return Err(code, why, drop.id)
        case _:
            return wire.Stored(drop.id, drop.envelope)


def _letters(page: tuple[list[wire.Envelope], bool]) -> tuple[tuple[wire.Envelope, ...], bool]:
    return tuple(page[0]), page[1]
