"""Messages over one wire, which one reader and one writer have to themselves.

`post` never blocks and never raises.  On an idle link it sends at once, without waking
the writer.  Otherwise the writer takes all that waits and sends it as one write, which
under TLS costs the same for one text or for three hundred.  A receiver that lets the
outbox grow full is cut off (the SendQ rule of IRC), so a reader that has stopped costs us
bounded memory and delays nobody else.
"""

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Final, Generic, TypeVar, cast

import msgspec
import trio

from shared.codec import LINE_BYTES, Codec, Unknown, encode
from shared.errors import ParleyError, ProtocolError, Refused, TurnedAway, Unreachable
from shared.heartbeat import DEAD_AFTER, Heartbeat
from shared.messages.common import Bye, Err, Ping, Pong
from shared.outbox import Outbox
from shared.wire import cause_of
from shared.world import Wire

OUTBOX_BYTES: Final = 2 * 1024 * 1024  # the most that may wait for one other side
WRITE_BYTES: Final = 32 * 1024  # of one write: more would not cost less a text
WRITE_SECONDS: Final = 30.0  # a write that takes longer means that the link is dead
LINGER_SECONDS: Final = 2.0  # after our last word: an immediate close could destroy it on its way
HANDSHAKE_SECONDS: Final = 10.0  # until the other side has said who it is

SLOW: Final = "the other side does not keep up"  # its outbox is full

REMOTE_FAULTS = (OSError, trio.BrokenResourceError, trio.ClosedResourceError, trio.TooSlowError)

M = TypeVar("M")
K = TypeVar("K")


class Link(Generic[M]):
    """One link, from the handshake to its end.

    `ping_after` and `dead_after` are seconds without any byte from the other
    side; without them a dead host is left to the kernel.
    """

    def __init__(
        self,
        wire: Wire,
        language: object,
        *,
        outbox_bytes: int = OUTBOX_BYTES,
        write_bytes: int = WRITE_BYTES,
        ping_after: float | None = None,
        dead_after: float = DEAD_AFTER,
    ) -> None:
        self.wire = wire
        self.failure: ParleyError | None = None  #: what went wrong, if anything did
        self.reason = "the connection was lost"  #: why the link has ended, for a person
        self._codec: Codec[M] = Codec(language)
        self._outbox = Outbox(outbox_bytes, write_bytes)
        self._drained = trio.Event()
        self._ending = False  # we have said our last word
        self._ended = False  # the other side has said its last word
        self._cut = False
        self._received: list[M] = []
        self._heartbeat = Heartbeat(ping_after, dead_after)
        self._scope = trio.CancelScope()

    # --- For all users of the link ---

    def post(self, message: msgspec.Struct) -> None:
        self.post_bytes(encode(message))

    def post_bytes(self, lines: bytes) -> None:
        """Like `post`, for lines that are encoded once and sent over many links."""
        if self._ending or self._cut:
            return
        if not self._outbox.send(lines, self.wire.try_send):
            self.cut(SLOW)

    def hang_up(self, *last: msgspec.Struct) -> None:
        """End the link once all that is posted, and these last messages, are sent.

        Messages of the other side are still received, for LINGER_SECONDS at most.
        """
        for message in last:
            self.post(message)
        self._ending = True
        self._outbox.wake()

    def retire(self) -> None:
        """Let another link take over: send BYE, but still receive what is on its way."""
        self.hang_up(Bye("another link took over"))

    def cut(self, reason: str) -> None:
        """End the link now, and drop what is not yet sent."""
        if not self._cut:
            self._cut = True
            self.reason = reason
            self._outbox.release()
            self.wire.abort()
            self._scope.cancel()

    @property
    def is_over(self) -> bool:
        return self._cut or self._ended or self._ending

    @property
    def waiting(self) -> int:
        """The number of posted bytes that are not sent yet."""
        return len(self._outbox)

    async def flush(self) -> None:
        """Wait until the outbox is empty; for callers with more to send than fits into it."""
        while self._outbox and not self.is_over:
            await self._outbox.wait_released()

    def excuse(self) -> None:
        """Restart the silence: nobody has read the link for a while, so it means nothing."""
        self._heartbeat.hear()

    @property
    def silence(self) -> float:
        """Seconds since the last byte from the other side."""
        return self._heartbeat.silence

    @property
    def is_silent(self) -> bool:
        """Whether a PING is overdue: the link may be dead without our knowing yet."""
        return self._heartbeat.is_silent

    @property
    def round_trip(self) -> float | None:
        """Seconds from the last PING to its PONG."""
        return self._heartbeat.round_trip

    async def measure(self) -> None:
        """Send a PING, and return at its PONG, with a fresh `round_trip`."""
        answered = self._heartbeat.measure()
        self._ping()
        await answered.wait()

    def ask(self) -> None:
        """Send a PING, once for each silence: the other side shall say that it lives."""
        if self._heartbeat.doubt():
            self._ping()

    async def proves_life(self) -> bool:
        """Send a PING, and return whether a byte comes within DOUBT_SECONDS.

        If none does, the link counts as silent until one comes.
        """
        self.ask()
        return await self._heartbeat.wait_doubt() and not self.is_over

    def identified(self) -> None:
        """Allow longer lines, once the other side has said who it is."""
        self._codec.line_bytes = LINE_BYTES

    # --- For the server of the link ---

    async def run(self, serve: Callable[[], Awaitable[None]]) -> None:
        """Carry the link until `serve` returns or either side ends it.

        `serve` is the only reader.  A ProtocolError or Refused that it raises is
        sent to the other side.  These errors, and all that a remote machine can
        cause, end here and are kept in `failure` and `reason`.
        """
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._write)
                    if self._heartbeat.ping_after is not None:
                        nursery.start_soon(self._watch)
                    await self._serve(serve)
                    nursery.cancel_scope.cancel()
        finally:
            if not self._cut:
                await self.wire.aclose()
            self._ended = True
            self._outbox.release()

    async def receive(self) -> list[M]:
        """Return the next messages; an empty list when the link is over.

        Raises ProtocolError.  Handles PING, PONG, BYE and unknown tags itself.
        """
        while not self._received and not self._ended:
            try:
                chunk = await self.wire.receive_some()
            except REMOTE_FAULTS as fault:
                self._lose(fault)
                self._ended = True
                break
            if not chunk:
                self._ended = True
                break
            self._heartbeat.hear()
            self._sort(self._codec.feed(chunk))
            del chunk  # or each idle link would keep its last chunk
        received, self._received = self._received, []
        return received

    async def expect(self, kind: type[K]) -> K:
        """Return the next message, which must be of this kind.

        Raises TurnedAway when the other side sends ERR instead, Unreachable when
        it ends, ProtocolError when it sends something else.
        """
        messages = await self.receive()
        if not messages:
            raise Unreachable(self.reason)
        first, *self._received = messages
        if isinstance(first, Err):
            raise TurnedAway(first.text, first.code)
        if not isinstance(first, kind):
            tag = cast(msgspec.Struct, first).__struct_config__.tag
            raise ProtocolError(f"{tag} does not belong here")
        return first

    # --- Inside ---

    def _sort(self, messages: list[M | Unknown]) -> None:
        for message in messages:
            match message:
                case _ if self._ended:
                    return  # ignore everything after BYE
                case Ping():
                    self.post(Pong())
                case Pong():
                    self._heartbeat.pong()
                case Bye(reason=reason):
                    self.reason = reason or "it said good bye"
                    self._ended = True
                case Unknown(tag=tag):
                    self.post(Err("UNKNOWN", f"{tag} is not known here"))
                case _:
                    self._received.append(message)

    async def _serve(self, serve: Callable[[], Awaitable[None]]) -> None:
        try:
            await serve()
        except ProtocolError as error:
            self._fail(error)
            self.hang_up(Err("PROTOCOL", str(error)[:1000]), Bye())
        except (TurnedAway, Unreachable) as error:
            self._fail(error)
        except Refused as error:
            self._fail(error)
            self.hang_up(Err(error.code, str(error)[:1000]), Bye())
        except ParleyError as error:  # a failure on our side, such as a full disk
            self._fail(error)
            self.hang_up(Err("REFUSED", "not possible here at this moment"), Bye())
        self.hang_up()
        await self._drained.wait()
        while await self._listen_on():
            pass

    def _fail(self, error: ParleyError) -> None:
        self.failure, self.reason = error, str(error)

    def _lose(self, fault: BaseException) -> None:
        """Note why the wire broke, unless the link had ended before."""
        if not self.is_over and self.failure is None:
            self.reason = cause_of(fault)

    async def _listen_on(self) -> bool:
        """Read and discard more: closing with unread bytes would reset the connection."""
        try:
            return not self._ended and bool(await self.wire.receive_some())
        except REMOTE_FAULTS:
            return False

    async def _write(self) -> None:
        """Drain the outbox until somebody hangs up; then let the other side finish."""
        while not (self._ending and not self._outbox):
            await self._outbox.wait_posted()
            while self._outbox:
                piece = self._outbox.take()
                try:
                    # Not fail_after, which costs more than the rest of this loop.
                    with trio.move_on_after(WRITE_SECONDS) as patience:
                        await self.wire.send_all(piece)
                    if patience.cancelled_caught:
                        self.cut("the other side has stopped reading")
                        return
                except REMOTE_FAULTS as fault:
                    # Their last message may still wait to be read, and explain it.
                    self._lose(fault)
                    self._outbox.clear()
                    self._ending = True
                self._outbox.taken()
                del piece  # or each idle link would keep its last write
            self._outbox.release()
        self._drained.set()
        self._scope.deadline = trio.current_time() + LINGER_SECONDS

    async def _watch(self) -> None:
        """PING a silent other side, and cut a dead one."""
        pings = 0
        while True:
            is_dead = await self._heartbeat.wait_silent(pings)
            if is_dead:
                self.cut(f"no sign of life for {self._heartbeat.dead_after:.0f} seconds")
                return
            if is_dead is None:
                pings = 0
            else:
                self._ping()
                pings += 1

    def _ping(self) -> None:
        self._heartbeat.ping()
        self.post(Ping())


@contextlib.contextmanager
def within(seconds: float, otherwise: str) -> Iterator[None]:
    """Raise Unreachable, with this reason, when the block takes longer."""
    try:
        with trio.fail_after(seconds):
            yield
    except trio.TooSlowError:
        raise Unreachable(f"{otherwise} within {seconds:.0f} seconds") from None
