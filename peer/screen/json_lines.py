"""`--json`: write events as JSON objects, one on a line, for bots in any language.

The form is a promise (README, "Bots in any language"): within a VERSION events and
fields may be added, and none is changed or removed.
"""

import base64
import json
import math
import re
import time
from enum import Enum
from typing import Final

from msgspec import Struct, structs

from peer.core.conversation.route import Route
from peer.events import Event
from peer.place_results import Dimmed, WhatIsUnread
from peer.results import (
    Handed,
    MemberList,
    RoomList,
    Sent,
    UserInfo,
    WhoHas,
)
from peer.screen.line import LineFrontend, plain_lines
from shared.texts import whole_characters

VERSION: Final = 1

_INSIDE_A_NAME = re.compile("(?<!^)(?=[A-Z])")


class Hello(Event, frozen=True):
    """The first object that is written."""

    version: int = VERSION

    def lines(self) -> list[str]:
        return []


class JsonFrontend(LineFrontend):
    """A frontend that reads commands and writes objects."""

    def __init__(self, reading: int = 0, writing: int = 1) -> None:
        super().__init__(reading, writing, spell_now)
        self.show(Hello())


def spell_now(event: Event) -> list[str]:
    return objects(event, time.time())


def objects(event: Event, now: float) -> list[str]:
    """Return the event's lines in ASCII, which no terminal and no encoding alters."""
    match event:
        case Handed(line=line):
            return [line]
        case Dimmed(dimmed=dimmed):
            return objects(dimmed, now)
    found = {"event": name_of(type(event)), "time": now, **_fields(event)}
    found["said"] = "\n".join(plain_lines(event))
    line = json.dumps(_plain(found), allow_nan=False, separators=(",", ":"))
    return [line.replace("\x7f", "\\u007f")]  # JSON does not escape DEL


_LEFT_OUT = ("room", "is_namesake", "is_users_name", "is_live")  # where they say nothing


def name_of(kind: type[Event]) -> str:
    """Return the name of a type of events: said_to_all for SaidToAll."""
    return _INSIDE_A_NAME.sub("_", kind.__name__).lower()


def _fields(event: Event) -> dict[str, object]:
    match event:
        case UserInfo(contact=contact):
            names = ("name", "status", "note", "since", "host", "port")
            way = (route.way, route.through) if (route := event.route) else ("", "")
            key = {
                "key": event.fingerprint, "is_verified": event.is_verified, "rooms": event.rooms,
                "way": way[0], "through": way[1],
            }  # fmt: skip
            return {name: getattr(contact, name) for name in names} | key
        case MemberList(me=me, others=others):
            return _in_room({"me": me, "others": [_way(one) for one in others], "room": event.room})
        case RoomList(me=me, rooms=rooms, away=away):
            gone = dict(away)
            return {
                "me": me,
                "rooms": [
                    {"room": room, "others": others, "away": gone.get(room, ())}
                    for room, others in rooms
                ],
            }
        case WhoHas(states=states, text=text, room=room):
            listed = [{"name": name, "state": state} for name, state in states]
            return _in_room({"states": listed, "text": text, "room": room})
        case WhatIsUnread(count=count, texts=texts):
            came = [{"event": name_of(type(one.text)), "time": one.time} for one in texts]
            return {
                "count": count,
                "texts": [a | _fields(one.text) for a, one in zip(came, texts, strict=True)],
            }
        case Sent():
            return _in_room({n: one for n, one in structs.asdict(event).items() if n != "handle"})
    return _in_room(structs.asdict(event))


def _in_room(fields: dict[str, object]) -> dict[str, object]:
    """Leave out what only says that something is of no room, or not live."""
    return {name: one for name, one in fields.items() if one or name not in _LEFT_OUT}


def _way(member: Route) -> dict[str, object]:
    fields = structs.asdict(member) | {"is_direct": member.is_direct, "way": member.way}
    del fields["link_way"]
    return fields


def _plain(value: object) -> object:
    """Return the value in terms of JSON."""
    match value:
        case Enum():
            return value.value
        case str():
            return whole_characters(value)
        case None | bool() | int():
            return value
        case float():
            return value if math.isfinite(value) else None
        case bytes():
            return base64.b64encode(value).decode()
        case tuple() | list():
            return [_plain(one) for one in value]
        case dict():
            return {name: _plain(one) for name, one in value.items()}
        case Struct():
            return _plain(structs.asdict(value))
    raise TypeError(f"there is no JSON for a {type(value).__name__}")
