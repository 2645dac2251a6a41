"""Messages that no honest program would send, made from their types.

Most of their values are as they should be, and many were heard before, so the messages
pass the first check.  Some values are at the edge of their range, or beyond.
"""

import random
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from msgspec import inspect

EDGES: Final = (0, 1, 2**31, 2**52 - 64, 2**52 - 1, 2**52, 2**52 + 1, 2**53, 2**63, 2**64, -1)
TIMES: Final = (0.0, 1.7e9, 253_402_300_799.0, 253_402_300_800.0, -1.0, 1e308, 5e-324)
ODD: Final = '\0\n\r\t\x1b\x7f\x9b\u2028\u202e\u200d\ufeff\U0001f642\U0010ffff"\\aZ9._-'
MANY: Final = 12  # items in most lists; now and then as many as the type allows
REMEMBERED: Final = 200  # values of one field that are kept

Field = str


_infos: dict[type[Any], inspect.StructType] = {}


def _info(kind: type[Any]) -> inspect.StructType:
    if kind not in _infos:
        info = inspect.type_info(kind)
        assert isinstance(info, inspect.StructType)
        _infos[kind] = info
    return _infos[kind]


class Mutants:
    """A source of messages; the same seed gives the same ones, after the same were heard."""

    def __init__(self, chance: random.Random, oddness: float = 0.05) -> None:
        """`oddness`: the probability that a value is not as it should be."""
        self.chance, self.oddness = chance, oddness
        self._heard: dict[Field, list[Any]] = {}

    def be_otherwise(self) -> None:
        """Choose a new oddness until the next call: the fewer odd values, the deeper they get."""
        self.oddness = self.chance.choice((0.0, 0.002, 0.01, 0.05, 0.2))

    def hear(self, message: Any) -> None:
        """Remember the values of a message, to send them again."""
        for name in getattr(message, "__struct_fields__", ()):
            value = getattr(message, name)
            self.remember(name, value)
            for one in value if isinstance(value, tuple) else (value,):
                self.hear(one)

    def remember(self, field: Field, *values: Any) -> None:
        known = self._heard.setdefault(field, [])
        known += values
        del known[:-REMEMBERED]

    def made(self, kind: type[Any], **fields: Any) -> Any:
        """Return a message of this kind; `fields` gives some of its values."""
        return self._struct(_info(kind), fields)

    def one_of(self, language: Any) -> Any:
        """Return a message of one of these kinds."""
        return self.made(self.chance.choice(language.__args__))

    def line(self, message: Any) -> bytes:
        """Return a message as one line, which now and then is not as it should be either."""
        try:
            line = msgspec.json.encode(message)
        except (TypeError, ValueError, OverflowError):
            return b"{}\n"
        if self.chance.random() < self.oddness / 5:
            line = self._broken(line)
        return line.replace(b"\n", b" ") + b"\n"

    # --- Inside ---

    def _is_odd(self) -> bool:
        return self.chance.random() < self.oddness

    def _struct(self, info: inspect.StructType, fields: dict[str, Any]) -> Any:
        values = {}
        for field in info.fields:
            if field.name in fields:
                values[field.name] = fields[field.name]
            elif field.required or self.chance.random() < 0.7:
                values[field.name] = self._field(field.name, field.type)
        return info.cls(**values)  # which checks nothing

    def _field(self, name: str, info: inspect.Type) -> Any:
        known = self._heard.get(name)
        if known and self.chance.random() < 0.6 and not self._is_odd():
            return self.chance.choice(known)
        if self._is_odd() and self._is_odd():
            return self.chance.choice((None, [], {}, "", 0, True, 1.5, [[]] * 9))
        return self._value(name, info)

    def _value(self, name: str, info: inspect.Type) -> Any:
        chance = self.chance
        match info:
            case inspect.UnionType(types=types):
                return self._value(name, chance.choice(types))
            case inspect.StructType():
                return self._struct(info, {})
            case inspect.VarTupleType(item_type=item, min_length=least, max_length=most):
                return tuple(self._field(name, item) for _ in range(self._length(least, most)))
            case inspect.EnumType(cls=cls):
                return chance.choice(list(cls))
            case inspect.BoolType():
                return chance.random() < 0.5
            case inspect.IntType(ge=least, le=most):
                return self._number(least or 0, most or 2**53)
            case inspect.FloatType():
                return chance.choice(TIMES) if self._is_odd() else chance.uniform(0, 2e9)
            case inspect.BytesType(min_length=least, max_length=most):
                return chance.randbytes(self._length(least, most, usual=64))
            case inspect.StrType(pattern=pattern, min_length=least, max_length=most):
                return self._string(pattern, least, most)
        return None

    def _number(self, least: int, most: int) -> int:
        if self._is_odd():
            return self.chance.choice((least, most - 1, most, most + 1, *EDGES))
        return self.chance.randint(least, min(most, least + self.chance.choice((3, 100, most))))

    def _length(self, least: int | None, most: int | None, usual: int = 3) -> int:
        least, highest = least or 0, most or 100
        if self._is_odd():
            return self.chance.choice((least, max(0, least - 1), min(highest, MANY), highest + 1))
        return self.chance.randint(least, max(least, min(highest, usual)))

    def _string(self, pattern: str | None, least: int | None, most: int | None) -> str:
        length = self._length(least, most, usual=32)
        if self._is_odd():
            return "".join(self.chance.choices(ODD, k=length))
        if pattern is not None and "0-9a-f" in pattern:
            length = 32
        return "".join(self.chance.choices("0123456789abcdef", k=max(length, 1)))

    def _broken(self, line: bytes) -> bytes:
        here = self.chance.randrange(len(line) + 1)
        changes: Sequence[Callable[[], bytes]] = (
            lambda: line[:here],
            lambda: line[:here] + self.chance.randbytes(3) + line[here:],
            lambda: line.replace(b'"t":"', b'"t":"X', 1),
            lambda: line[:here] + b"[" * 2_000,
            lambda: line + line,
            lambda: line + b" " * 70_000,
        )
        return self.chance.choice(changes)()
