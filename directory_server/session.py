"""One user's link, from WHO to BYE."""

import logging
from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any, Final, cast

import msgspec
import trio

from directory_server.admission import Visitor, check_iam, check_sealing, is_loopback
from directory_server.core.doorkeeper import Applicant, WrongToken
from directory_server.core.quotas import WRONG_TOKEN_SECONDS, network_of
from directory_server.core.registry import NameTaken, Place, User
from directory_server.core.tombstones import Validity
from directory_server.sessions import Sessions, UserLink
from directory_server.storage.mailbox import Kept, NotKept, Posted
from directory_server.storage.ownership import Newcomer
from shared.codec import encode
from shared.errors import ProtocolError, Refused, StorageError
from shared.link import HANDSHAKE_SECONDS
from shared.messages import common
from shared.messages import directory as wire
from shared.messages.common import VERSION, Bye, Err
from shared.messages.directory import PAGE, RECEIPTS, Iam

log = logging.getLogger(__name__)

NONCE_BYTES: Final = 32
RENEW_SECONDS: Final = 60.0  # between two certificates over one link: each is signed in the loop
GIVEN_BACK: Final = "the name was given back"
NOT_STORED: Final = "the directory's disk is full, the message was not stored"


class Session:
    def __init__(self, community: Sessions, link: UserLink) -> None:
        self._community, self._link = community, link
        self._registry, self._store = community.registry, community.store
        self._renewed_at = float("-inf")

    async def serve(self, deadline: float, identified: Callable[[], None]) -> None:
        """Serve the link to its end.  Raises ProtocolError, or Refused if the user may not enter.

        `deadline` is for IAM; `identified` is called as soon as IAM is accepted.
        """
        try:
            # A call of its own, so that its variables are freed: there are thousands of sessions.
            user = await self._come_in(deadline)
        except NameTaken as taken:
            self._link.hang_up(wire.Tkn(taken.name), Bye())
            return
        except WrongToken as wrong:
            self._community.note_wrong_token(self._link.wire.remote.host)
            await trio.sleep(WRONG_TOKEN_SECONDS)
            raise Refused(str(wrong), wrong.code) from None
        except StorageError as error:
            raise Refused(f"the directory's disk is full or broken: {error}", "DISK") from error
        identified()
        self._link.identified()
        try:
            await self._say_receipts(user)
            await self._serve_requests(user)
        finally:
            self._community.leave(user, self._link)

    # --- Coming in ---

    async def _come_in(self, deadline: float) -> User:
        """Register the user, up to WELCOME, which is posted once others can see the user.

        While the disk works others may enter, so everything is checked again after it.
        """
        iam, visitor = await self._meet(deadline)
        entrance = self._community.entrance
        async with entrance:
            check_iam(iam, visitor, self._community.authority, self._community.time())
        applicant = self._applicant(iam, visitor)
        while True:
            async with entrance:
                wait = self._community.doorkeeper.wait(applicant, self._community.moment())
                if not wait:
                    user = self._community.doorkeeper.admit(applicant, self._community.moment())
                    if user is not None and self._is_on_disk(user, iam):
                        self._enter(user, iam, visitor)
                        return user
                    check_sealing(iam)
            if wait:
                await _pause(wait, deadline)
            else:
                await self._put_on_disk(iam, user, applicant.origin)

    def _applicant(self, iam: Iam, visitor: Visitor) -> Applicant:
        host = visitor.address.host
        origin = self._community.authority.mark_of(network_of(host))
        return Applicant(iam.name, iam.key, host, origin, iam.token)

    async def _meet(self, deadline: float) -> tuple[Iam, Visitor]:
        nonce = self._community.world.chance.randbytes(NONCE_BYTES)
        self._link.post(wire.Who(VERSION, self._community.authority.certificate, nonce))
        try:
            with trio.fail_at(deadline):
                iam = await self._link.expect(Iam)
        except trio.TooSlowError:
            raise Refused(
                f"you did not say who you are within {HANDSHAKE_SECONDS:.0f} seconds", "LIMIT"
            ) from None
        return iam, Visitor(self._link.wire.remote, nonce, self._link.wire.certificate)

    def _is_on_disk(self, user: User, iam: Iam) -> bool:
        return _seals_as_before(user, iam) and (
            not iam.request or self._community.may_certify(user)
        )

    async def _put_on_disk(self, iam: Iam, user: User | None, origin: bytes) -> None:
        """Put a new name on disk, or what has changed for an old one: sealing key, certificate."""
        community, sealing = self._community, (iam.sealing_key, iam.sealing_proof)
        if user is None:
            certified = Validity.of_new(community.time(), community.age())
            await community.register(Newcomer(iam.name, iam.key, *sealing, origin, certified))
            return
        if not _seals_as_before(user, iam):
            await self._store.reseal(user.id, *sealing)
            user.sealing_key, user.sealing_proof = sealing
        if iam.request:
            await community.note_certificate(user)

    def _enter(self, user: User, iam: Iam, visitor: Visitor) -> None:
        self._registry.check_room(user, visitor.address.host)
        welcome = self._welcome(user, iam)
        place = Place(visitor.address.host, iam.port, iam.host)
        self._community.arrive(user, self._link, place, iam.status, by_hand=iam.by_hand)
        self._link.post(welcome)
        log.info("%s is here, from %s", user.name, visitor.address)

    def _welcome(self, user: User, iam: Iam) -> wire.Welcome:
        community = self._community
        certificate = self._certify(user, iam.request, iam.name) if iam.request else b""
        return wire.Welcome(
            name=user.name,
            host=iam.host or self._link.wire.remote.host,
            waiting=self._store.waiting(user.id),
            idle_after=community.settings.idle_after,
            certificate=certificate,
            online=self._registry.here + (not user.is_here),
        )

    def _certify(self, user: User, request: bytes, asked: str) -> bytes:
        """Issue a certificate.  Raises Refused unless the user signed this request, for `asked`."""
        community = self._community
        return community.authority.certify(
            request, asked, name=user.name, key=user.key, now=community.time()
        )

    async def _renew(self, user: User, request: bytes) -> bytes:
        now = trio.current_time()
        if now < self._renewed_at + RENEW_SECONDS:
            raise Refused(f"one certificate in {RENEW_SECONDS:.0f} seconds is enough", "LIMIT")
        self._renewed_at = now
        certificate = self._certify(user, request, user.name)
        await self._community.note_certificate(user)
        return certificate

    async def _say_receipts(self, user: User) -> None:
        for page in self._store.receipts(user.id, RECEIPTS):
            self._link.post(wire.Receipts(page))
            await self._link.flush()

    # --- Requests ---

    async def _serve_requests(self, user: User) -> None:
        while batch := await self._link.receive():
            for is_drop, run in groupby(batch, lambda message: isinstance(message, wire.Drop)):
                if not self._community.is_carried_by(user, self._link):
                    return  # another program took over, and this one may request nothing more
                if is_drop:
                    await self._drop(user, list(cast(Iterable[wire.Drop], run)))
                else:
                    for message in run:
                        await self._serve_one(user, message)

    async def _serve_one(self, user: User, message: wire.ToDirectory) -> None:
        re = message.id if isinstance(message, common.Request) else None
        try:
            await self._perform(user, message)
        except Refused as no:
            self._link.post(Err(no.code, str(no), re))
        except StorageError as error:
            self._link.post(Err("DISK", f"the directory's disk is full or broken: {error}", re))

    async def _perform(self, user: User, message: wire.ToDirectory) -> None:
        """Perform a request.  Only STIR shows a person: programs ask and leave messages, too."""
        link, store, community = self._link, self._store, self._community
        match message:
            case wire.Stir():
                community.stir(user)
            case wire.List(id=re):
                await self._list(re)
            case wire.Lookup(id=re, name=name, own=own):
                found = self._registry.look_up(name)
                if own:
                    await self._note_answer(user, found)
                link.post(self._contact(re, found))
            case wire.SetStatus(id=re, status=status, by_hand=by_hand):
                community.set_status(user, status, by_hand=by_hand)
                link.post(wire.Done(re))
            case wire.Fetch(id=re, after=after):
                link.post(wire.Mail(re, *_letters(store.mail(user.id, after))))
                await link.flush()
            case wire.Taken(id=re, envelopes=verdicts):
                owed = await store.take(
                    user.id, user.name, verdicts, community.time(), community.age()
                )
                link.post(wire.Done(re))
                community.push_receipts(owed)
            case wire.Noted(id=re, envelopes=envelopes):
                await store.note(user.id, envelopes)
                link.post(wire.Done(re))
            case wire.Renew(id=re, request=request):
                link.post(wire.Renewed(re, await self._renew(user, request)))
            case wire.Unregister(id=re):
                for over in await community.release([user]):
                    over.hang_up(*([wire.Done(re)] if over is link else []), Bye(GIVEN_BACK))
            case Err(code=code, text=text):
                log.info("%s says %s: %s", user.name, code, text)
            case _:
                tag = cast(msgspec.Struct, message).__struct_config__.tag
                raise ProtocolError(f"{tag} does not belong here")

    async def _note_answer(self, user: User, other: User) -> None:
        """Reserve room in this user's mailbox for the other's letters, from the commit on."""
        if other is not user and not self._store.has_answered(user.id, other.id):
            try:
                await self._store.answer(user.id, other.id)
            except StorageError as error:
                log.info("%s has answered somebody, which is not on disk: %s", user.name, error)

    async def _list(self, re: int) -> None:
        """Send all presences, page by page, no faster than the user reads them."""
        users, more = self._registry.page("", PAGE)
        while True:
            presences = b",".join(map(self._registry.encoded, users))
            self._link.post(wire.Users(re, cast(Any, msgspec.Raw(b"[" + presences + b"]")), more))
            await self._link.flush()
            if not more:
                return
            users, more = self._registry.page(users[-1].name, PAGE)

    def _contact(self, re: int, user: User) -> wire.Contact:
        return wire.Contact(
            re,
            name=user.name,
            status=user.status,
            since=user.since,
            key=user.key,
            sealing_key=user.sealing_key,
            sealing_proof=user.sealing_proof,
            host=user.place.advertised or self._seen_host_of(user.place),
            port=user.place.port,
            seen=self._seen_host_of(user.place),
        )

    def _seen_host_of(self, place: Place) -> str:
        """Return the address at which the asker reaches them, unless they advertise another."""
        if is_loopback(place.address) and not is_loopback(self._link.wire.remote.host):
            # They are on the directory's own machine, which the asker reaches at this address.
            return self._link.wire.local.host
        return place.address

    # --- Mail ---

    async def _drop(self, user: User, drops: list[wire.Drop]) -> None:
        """Store all envelopes in one commit, and send all answers in one write."""
        answers: list[msgspec.Struct] = []
        posted: list[Posted] = []
        accepted: list[wire.Drop] = []
        for drop in drops:
            receiver = self._registry.find(drop.to)
            if receiver is None:
                answers.append(Err("NOBODY", f"User {drop.to} does not exist!", drop.id))
            elif receiver is user:
                answers.append(Err("REFUSED", "You can't leave a message for yourself.", drop.id))
            else:
                posted.append(Posted(drop.envelope, receiver.id, receiver.name, drop.sealed))
                accepted.append(drop)
        answers += await self._keep(user, posted, accepted)
        self._link.post_bytes(b"".join(map(encode, answers)))

    async def _keep(
        self, user: User, posted: list[Posted], drops: list[wire.Drop]
    ) -> list[msgspec.Struct]:
        try:
            results = await self._store.drop(
                user.id, posted, self._community.time(), self._community.age()
            )
        except StorageError:
            return [Err("DISK", NOT_STORED, drop.id) for drop in drops]
        waiting = {
            one.receiver: result.waiting
            for one, result in zip(posted, results, strict=True)
            if isinstance(result, Kept) and result.waiting is not None
        }
        for receiver, count in waiting.items():
            self._community.push(receiver, wire.Waiting(count))
        return [_outcome(drop, result) for drop, result in zip(drops, results, strict=True)]


async def _pause(seconds: float, deadline: float) -> None:
    """Wait before judging an applicant whose address has sent wrong tokens."""
    if trio.current_time() + seconds > deadline - WRONG_TOKEN_SECONDS:  # the cost of a wrong one
        raise Refused("too many wrong tokens came from your address", "LIMIT")
    await trio.sleep(seconds)


def _seals_as_before(user: User, iam: Iam) -> bool:
    return (user.sealing_key, user.sealing_proof) == (iam.sealing_key, iam.sealing_proof)


def _outcome(drop: wire.Drop, result: Kept | NotKept) -> msgspec.Struct:
    match result:
        case NotKept(code=code, why=why):
            return Err(code, why, drop.id)
        case _:
            return wire.Stored(drop.id, drop.envelope)


def _letters(page: tuple[list[wire.Envelope], bool]) -> tuple[tuple[wire.Envelope, ...], bool]:
    envelopes, more = page
    return tuple(envelopes), more
