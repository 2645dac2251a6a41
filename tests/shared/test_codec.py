"""What may come in as a line, and what not.  Invariants of the wire (PROTOCOLS, section 1)."""

import contextlib
import re
from collections.abc import Iterable
from types import UnionType
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.codec import LINE_BYTES, STRANGER_LINE_BYTES, Codec, Unknown, encode
from shared.errors import ProtocolError
from shared.messages.common import (
    COUNT_MOST,
    NOTE_CHARACTERS,
    TEXT_CHARACTERS,
    VERSION,
    Bye,
    Err,
    Ping,
    Pong,
    Status,
)
from shared.messages.directory import (
    BATCH,
    ENVELOPE_BYTES,
    OTHERS,
    PAGE,
    PAGE_MOST,
    RECEIPTS,
    VERDICTS,
    WATCHED_AT_FIRST,
    Arr,
    Done,
    Drop,
    Envelope,
    FromDirectory,
    Iam,
    Lft,
    Mail,
    Noted,
    Presence,
    Receipt,
    Receipts,
    SetStatus,
    StatusNow,
    Taken,
    ToDirectory,
    Users,
    Verdict,
    Watch,
    Welcome,
    Who,
)
from shared.messages.peers import (
    POSITIONS,
    TEXTS,
    Acknowledge,
    BetweenPeers,
    Decline,
    Hello,
    Invite,
    PeerIam,
    PeerIamFor,
    Position,
    Text,
    ToAll,
)

ID = "0123456789abcdef" * 2
EPOCH = "0123456789abcdef"
LONGEST_NAME = "W" * 32
LATE = 253_402_300_798.123  # a time with many digits
WORST_TEXTS = ["\x01", '"', "\\", "\U0001f642", "\u2028", "\x7f", "\n"]
LANGUAGES: list[Any] = [ToDirectory, FromDirectory, BetweenPeers]


def kinds(language: UnionType) -> list[type[msgspec.Struct]]:
    return list(language.__args__)


def decode(line: bytes, language: object = BetweenPeers) -> list[Any]:
    return Codec[Any](language, LINE_BYTES).feed(line)


def refusal(line: bytes, language: object = BetweenPeers) -> str:
    with pytest.raises(ProtocolError) as caught:
        decode(line + b"\n", language)
    return str(caught.value)


# --- Every message, as its own definition allows it --------------------------------


def _values(kind: msgspec.inspect.Type) -> st.SearchStrategy[Any]:
    match kind:
        case msgspec.inspect.StructType(cls=cls):
            return _messages(cls)
        case msgspec.inspect.IntType(ge=low, le=high):
            return st.integers(low, high)
        case msgspec.inspect.FloatType(ge=low, gt=above, le=high):
            top = 1e300 if high is None else high
            return st.floats(above if low is None else low, top, exclude_min=low is None)
        case msgspec.inspect.StrType(pattern=str(pattern)):
            return st.from_regex(re.compile(pattern.replace(r"\Z", "$"), re.ASCII), fullmatch=True)
        case msgspec.inspect.StrType(min_length=shortest, max_length=longest):
            return st.text(min_size=shortest or 0, max_size=min(longest or 100, 100))
        case msgspec.inspect.BytesType(min_length=shortest, max_length=longest):
            return st.binary(min_size=shortest or 0, max_size=min(longest or 200, 200))
        case msgspec.inspect.BoolType():
            return st.booleans()
        case msgspec.inspect.NoneType():
            return st.none()
        case msgspec.inspect.EnumType(cls=cls):
            return st.sampled_from(list(cls))
        case msgspec.inspect.VarTupleType(item_type=item, min_length=shortest, max_length=longest):
            most = 4 if longest is None else min(longest, 4)
            return st.lists(_values(item), min_size=shortest or 0, max_size=most).map(tuple)
        case msgspec.inspect.UnionType(types=types):
            return st.one_of([_values(one) for one in types])
    raise AssertionError(f"no strategy for {kind}")


def _messages(kind: type[Any]) -> st.SearchStrategy[Any]:
    info = msgspec.inspect.type_info(kind)
    assert isinstance(info, msgspec.inspect.StructType)
    return st.builds(kind, **{field.name: _values(field.type) for field in info.fields})


@pytest.mark.parametrize(
    ("language", "kind"),
    [(language, kind) for language in LANGUAGES for kind in kinds(language)],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_every_message_arrives_as_it_was_sent(language: object, kind: type[msgspec.Struct]) -> None:
    @settings(max_examples=15)
    @given(_messages(kind))
    def arrives(message: msgspec.Struct) -> None:
        line = encode(message)
        assert line.count(b"\n") == 1
        assert decode(line, language) == [message]

    arrives()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_messages_of_a_language_share_a_tag(language: UnionType) -> None:
    tags = [kind.__struct_config__.tag for kind in kinds(language)]
    assert len(set(tags)) == len(tags)


def test_one_tag_means_different_things_in_different_languages() -> None:
    assert decode(encode(StatusNow(Status.BUSY)), FromDirectory) == [StatusNow(Status.BUSY)]
    assert decode(encode(SetStatus(1, Status.BUSY)), ToDirectory) == [SetStatus(1, Status.BUSY)]


def test_a_language_of_one_message_knows_that_one() -> None:
    assert decode(b'{"t":"PING"}\n{"t":"PONG"}\n', Ping) == [Ping(), Unknown("PONG")]


# --- Lines out of bytes --------------------------------------------------------------

_some = st.one_of(
    _messages(Text), _messages(Decline), _messages(Err), st.just(Ping()), st.just(Unknown("NEW"))
)


def _line(message: msgspec.Struct) -> bytes:
    return b'{"t":"NEW"}\n' if isinstance(message, Unknown) else encode(message)


@settings(max_examples=60)
@given(st.lists(_some, max_size=8), st.data())
def test_however_the_bytes_are_cut_the_messages_are_the_same(
    messages: list[msgspec.Struct], data: st.DataObject
) -> None:
    stream = b"".join(_line(message) for message in messages)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=20)))
    codec = Codec[Any](BetweenPeers)
    arrived: list[Any] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        arrived += codec.feed(stream[start:end])
    assert arrived == messages


def test_byte_by_byte() -> None:
    text = Text(ID, "carol", EPOCH, 1, 1, 5.0, ("schöne Grüße \U0001f642",))
    codec = Codec[Any](BetweenPeers)
    arrived = [one for byte in encode(text) + encode(Ping()) for one in codec.feed(bytes([byte]))]
    assert arrived == [text, Ping()]


@pytest.mark.parametrize("nothing", [b"", b"\n", b"\n\n\r\n", b" \t \n"])
def test_empty_lines_mean_nothing(nothing: bytes) -> None:
    assert decode(nothing) == []
    assert decode(nothing.rstrip(b"\n") + b'{"t":"PING"}\r\n' + nothing) == [Ping()]


# --- Limits -----------------------------------------------------------------------------


def _padded(length: int) -> bytes:
    return b'{"t":"PING","x":"' + b"x" * (length - 19) + b'"}'


@pytest.mark.parametrize("limit", [STRANGER_LINE_BYTES, LINE_BYTES])
@pytest.mark.parametrize("chunk", [1_000, 16_384, 1_000_000])
def test_a_line_may_be_as_long_as_its_limit_and_no_longer(limit: int, chunk: int) -> None:
    def feed(line: bytes) -> list[Any]:
        codec = Codec[Any](BetweenPeers, limit)
        return [
            one for at in range(0, len(line), chunk) for one in codec.feed(line[at : at + chunk])
        ]

    assert feed(_padded(limit) + b"\n") == [Ping()]
    assert feed(_padded(limit)) == []
    for line in (_padded(limit + 1), b" " * (limit + 1)):
        with pytest.raises(ProtocolError, match=f"longer than {limit} bytes"):
            feed(line + b"\n")
        with pytest.raises(ProtocolError, match=f"longer than {limit} bytes"):
            feed(line)
        with pytest.raises(ProtocolError, match=f"longer than {limit} bytes"):
            feed(b'{"t":"PING"}\n' + line)


def test_ten_megabytes_without_an_end_are_refused_at_the_limit() -> None:
    codec = Codec[Any](BetweenPeers)
    for _ in range(STRANGER_LINE_BYTES // 1_000):
        codec.feed(b"x" * 1_000)
    with pytest.raises(ProtocolError):
        codec.feed(b"x" * 1_000)


def test_the_limit_grows_when_the_other_side_is_known() -> None:
    codec = Codec[Any](BetweenPeers)
    codec.feed(_padded(10_000)[:9_000])
    codec.line_bytes = LINE_BYTES
    assert codec.feed(_padded(10_000)[9_000:] + b"\n" + _padded(LINE_BYTES) + b"\n") == [
        Ping(),
        Ping(),
    ]


@pytest.mark.parametrize("character", WORST_TEXTS)
def test_the_longest_text_fits_in_a_line_whatever_it_is_made_of(character: str) -> None:
    longest = (character * TEXT_CHARACTERS,)
    text = Text(ID, LONGEST_NAME, EPOCH, COUNT_MOST - TEXTS, COUNT_MOST, LATE, longest)
    assert decode(encode(text)) == [text]
    to_all = ToAll(ID, LATE, character * TEXT_CHARACTERS)
    assert decode(encode(to_all)) == [to_all]


_ids = (ID,) * BATCH
_presences = (Presence(LONGEST_NAME, Status.INACTIVE, LATE, "\x01" * NOTE_CHARACTERS),) * PAGE
_positions = (Position(LONGEST_NAME, EPOCH, COUNT_MOST),) * POSITIONS
_envelope = Envelope(COUNT_MOST, ID, b"\xff" * ENVELOPE_BYTES, LATE)
_key, _signature, _certificate = b"\xff" * 32, b"\xff" * 64, b"\xff" * 4_096
_verdict = Verdict(COUNT_MOST, ID, _signature, "z" * 16)


@pytest.mark.parametrize(
    ("message", "language"),
    [
        (Users(COUNT_MOST, _presences, more=True, online=COUNT_MOST), FromDirectory),
        (Arr(_presences), FromDirectory),
        (Arr((Presence(LONGEST_NAME, Status.INACTIVE, LATE),) * PAGE_MOST), FromDirectory),
        (Lft((LONGEST_NAME,) * PAGE_MOST), FromDirectory),
        (
            Mail(
                COUNT_MOST, (Envelope(COUNT_MOST, ID, b"\xff" * ENVELOPE_BYTES, LATE),), more=True
            ),
            FromDirectory,
        ),
        (Drop(COUNT_MOST, LONGEST_NAME, ID, b"\xff" * ENVELOPE_BYTES), ToDirectory),
        (
            Taken(COUNT_MOST, (Verdict(COUNT_MOST, ID, _signature, "z" * 16),) * VERDICTS),
            ToDirectory,
        ),
        (Noted(COUNT_MOST, _ids), ToDirectory),
        (Watch(COUNT_MOST, (LONGEST_NAME,) * PAGE_MOST, (LONGEST_NAME,) * PAGE_MOST), ToDirectory),
        (
            Welcome(
                LONGEST_NAME,
                "\x01" * 255,
                COUNT_MOST,
                LATE,
                _certificate,
                COUNT_MOST,
                "\x01" * 1_000,
                crowd=True,
                others=("\x01" * 263,) * OTHERS,
            ),
            FromDirectory,
        ),
        (
            Receipts((Receipt(ID, LONGEST_NAME, LATE, _signature, "z" * 16),) * RECEIPTS),
            FromDirectory,
        ),
        (Invite(ID, ID, (LONGEST_NAME,) * 50, 59.999999999, urgent=True), BetweenPeers),
        (Hello(ID, LONGEST_NAME, COUNT_MOST, ID, (LONGEST_NAME,) * 50, _positions), BetweenPeers),
        (Acknowledge(ID, _positions), BetweenPeers),
    ],
    ids=lambda one: type(one).__name__,
)
def test_the_largest_messages_fit_in_a_line(message: msgspec.Struct, language: object) -> None:
    assert decode(encode(message), language) == [message]


_worst = "\x01"


@pytest.mark.parametrize(
    ("message", "language"),
    [
        (Who(VERSION, _certificate, _key), FromDirectory),
        (
            Iam(
                COUNT_MOST, _worst * 256, _key, _signature, 65_535, _key, _signature, _worst * 255,
                _certificate, _worst * 256, Status.INACTIVE, by_hand=True,
                note=_worst * NOTE_CHARACTERS,
            ),
            ToDirectory,
        ),
        (
            Iam(
                VERSION, LONGEST_NAME, _key, _signature, 65_535, _key, _signature, _worst * 255,
                _certificate, _worst * 256, Status.INACTIVE, by_hand=True,
                watch=(LONGEST_NAME,) * WATCHED_AT_FIRST,
            ),
            ToDirectory,
        ),
        (PeerIam(COUNT_MOST, LONGEST_NAME, ID, 253_402_300_799.0), BetweenPeers),
        (
            PeerIamFor(COUNT_MOST, LONGEST_NAME, ID, 253_402_300_799.0, _worst * 64),
            BetweenPeers,
        ),
        (Err(_worst * 64, _worst * 1_000, COUNT_MOST), BetweenPeers),
        (Bye(_worst * 1_000), BetweenPeers),
    ],
    ids=lambda one: type(one).__name__,
)  # fmt: skip
def test_the_first_messages_fit_in_a_strangers_line(
    message: msgspec.Struct, language: object
) -> None:
    assert Codec[Any](language).feed(encode(message)) == [message]


# --- What is not a message ---------------------------------------------------------------


def test_an_unknown_tag_is_not_an_error_and_its_name_stays_short() -> None:
    assert decode(b'{"t":"NEW","x":[1,{"y":null}]}\n') == [Unknown("NEW")]
    assert decode(b'{"t":"' + b"n" * 1_000 + b'"}\n') == [Unknown("n" * 64)]


def test_unknown_fields_are_ignored() -> None:
    line = b'{"new":1e400,"t":"DECLINE","x":{"t":"PING"},"id":"' + ID.encode() + b'"}\n'
    assert decode(line) == [Decline(ID)]


@pytest.mark.parametrize("opening", [b"[", b'{"x":', b'{"t":"PING","x":', b'{"t":"NEW","x":'])
def test_nesting_is_refused_in_words(opening: bytes) -> None:
    for depth in (5_000, LINE_BYTES // len(opening)):
        assert refusal((opening * depth)[:LINE_BYTES])
    # Python 3.11 refuses a depth of a thousand, 3.13 one of ten thousand.
    depth = LINE_BYTES // 2 - 20
    nested = b"[" * depth + b"]" * depth
    assert refusal(b'{"t":"PING","x":' + nested + b"}")
    assert refusal(b'{"x":' + nested + b',"t":"PING"}')


@pytest.mark.parametrize(
    "line",
    [
        b"\xff",
        b'{"t":"PING","x":"\xc3"}',
        b'{"t":"NEW","x":"\xed\xa0\x80"}',  # half a surrogate pair
        b'{"t":"ALL","id":"%s","time":1,"text":"\\ud800"}' % ID.encode(),
        b'{"t":"\\udfff"}',
        b"\0",
        b'\xef\xbb\xbf{"t":"PING"}',
        b'{"t":"PING"',
        b'{"t":"PING"} {"t":"PING"}',
        b"hello",
        b"GET / HTTP/1.1\r",
    ],
)
def test_what_is_no_json_is_refused(line: bytes) -> None:
    assert refusal(line).startswith("a line is not a message: ")


@pytest.mark.parametrize(
    "line",
    [
        b"null",
        b"[]",
        b'"PING"',
        b"{}",
        b'{"t":5}',
        b'{"t":null}',
        b'{"t":"DECLINE"}',
        b'{"t":"DECLINE","id":null}',
        b'{"t":"DECLINE","id":"%s"}' % ID.upper().encode(),
        b'{"t":"DECLINE","id":"%s\\n"}' % ID.encode(),
        b'{"t":"DECLINE","id":"%s"}' % (ID + "0").encode(),
        b'{"t":"NEW","t":"PING"}',
        b'{"t":"NEW","x":nothing}',
    ],
)
def test_what_is_no_message_is_refused(line: bytes) -> None:
    assert refusal(line).startswith("a message is not as it should be: ")


def _acknowledge(upto: bytes) -> bytes:
    have = b'[["carol","%s",%s]]' % (EPOCH.encode(), upto)
    return b'{"t":"ACK","conversation":"%s","have":%s}' % (ID.encode(), have)


def _to_all(time: bytes) -> bytes:
    return b'{"t":"ALL","id":"%s","time":%s,"text":""}' % (ID.encode(), time)


@pytest.mark.parametrize(
    "number",
    [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1", b'"1"', b"true", b"null", b"[]",
     b"253402300800", b"9" * 60_000, b"0x10", b"01", b"1_0"],
)  # fmt: skip
def test_a_time_is_a_number_of_seconds_within_reach(number: bytes) -> None:
    assert refusal(_to_all(number))


@pytest.mark.parametrize(
    "number",
    [b"NaN", b"1e3", b"1.0", b"1.5", b"-1", b"4503599627370497", b"9" * 60_000, b"1e400", b"true"],
)
def test_a_count_is_a_whole_number_within_reach(number: bytes) -> None:
    assert refusal(_acknowledge(number))


def test_the_ends_of_what_numbers_may_be() -> None:
    assert decode(_acknowledge(b"0") + b"\n" + _acknowledge(b"4503599627370496") + b"\n") == [
        Acknowledge(ID, (Position("carol", EPOCH, 0),)),
        Acknowledge(ID, (Position("carol", EPOCH, COUNT_MOST),)),
    ]
    assert decode(_to_all(b"253402300799") + b"\n") == [ToAll(ID, 253_402_300_799.0, "")]
    assert decode(_to_all(b"0." + b"9" * 60_000) + b"\n") == [ToAll(ID, 1.0, "")]


def _without(message: msgspec.Struct) -> Iterable[tuple[str, bytes]]:
    fields = msgspec.json.decode(encode(message))
    for name in fields:
        yield name, msgspec.json.encode({key: fields[key] for key in fields if key != name})


@pytest.mark.parametrize(
    "message",
    [PeerIam(1, "carol", ID, 7.0), Acknowledge(ID, (Position("carol", EPOCH, 1),)), Decline(ID)],
)
def test_each_field_is_needed(message: msgspec.Struct) -> None:
    for name, line in _without(message):
        assert f"`{name}`" in refusal(line)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("key", b'"AAAA"'), ("key", b'"%s"' % (b"A" * 44)), ("key", b'"!!!!"'), ("key", b"[]"),
        ("port", b"65536"), ("port", b"-1"), ("name", b"7"), ("status", b'"AWAY"'),
        ("status", b'"active"'), ("by_hand", b"0"), ("proof", b'""'), ("request", b"null"),
    ],
)  # fmt: skip
def test_a_registration_of_the_wrong_shape_is_refused(field: str, value: bytes) -> None:
    iam = Iam(1, "carol", _key, _signature, 1, _key, _signature)
    fields = {key: msgspec.Raw(msgspec.json.encode(one)) for key, one in _builtins(iam)}
    assert decode(msgspec.json.encode(fields) + b"\n", ToDirectory) == [iam]
    fields[field] = msgspec.Raw(value)
    assert f"`$.{field}`" in refusal(msgspec.json.encode(fields), ToDirectory)


def _builtins(message: msgspec.Struct) -> Iterable[tuple[str, Any]]:
    return list(msgspec.json.decode(encode(message)).items())


def test_a_page_that_is_too_long_is_refused() -> None:
    assert "length" in refusal(encode(Lft(("a",) * (PAGE_MOST + 1)))[:-1], FromDirectory)
    assert "length" in refusal(encode(Noted(1, (ID,) * (BATCH + 1)))[:-1], ToDirectory)
    assert "length" in refusal(encode(ToAll(ID, 1.0, "x" * (TEXT_CHARACTERS + 1)))[:-1])


def test_the_reason_stays_short_and_on_one_line_whatever_they_sent() -> None:
    for line in (
        b'{"t":"' + b"n" * 50_000 + b'","x":nothing}',
        b'{"t":"a\\nb\\u001b[2J","x":nothing}',
        b"\xc3" * 50_000,
    ):
        reason = refusal(line)
        assert len(reason) < 300
        assert reason.isprintable()


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_a_protocol_error(noise: bytes) -> None:
    for line in (noise, b'{"t":"PING",' + noise, b'{"t":"NEW","x":' + noise + b"}"):
        try:
            messages = decode(line + b"\n")
        except ProtocolError:
            continue
        assert all(isinstance(one, Ping | Unknown) for one in messages)


@settings(max_examples=150)
@given(st.data())
def test_no_damage_to_a_message_raises_anything_but_a_protocol_error(data: st.DataObject) -> None:
    line = bytearray(_line(data.draw(_some)))
    at = data.draw(st.integers(0, len(line) - 1))
    line[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    with contextlib.suppress(ProtocolError):
        decode(bytes(line) + b"\n")


def test_what_follows_a_bad_line_is_not_read() -> None:
    with pytest.raises(ProtocolError):
        decode(b'nonsense\n{"t":"PING"}\n')


def test_answers_carry_the_number_of_their_request() -> None:
    assert encode(Done(7)) == b'{"t":"DONE","re":7}\n'
    assert encode(Pong()) == b'{"t":"PONG"}\n'
