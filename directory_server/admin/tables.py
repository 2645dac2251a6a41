"""Answers of the admin socket as lines for a person."""

import datetime
from collections.abc import Iterator

from directory_server.admin import requests as ask
from directory_server.admin.requests import Answer
from directory_server.core.mail_limits import MIB
from directory_server.core.operating.durations import spell_duration
from shared.clean import lines_of, on_one_line

HEADS = {
    ask.User: f"{'NAME':32}  {'STATUS':8}  {'SINCE (UTC)':16}  {'FROM':15}  {'USED':>9}  WAITING",
    ask.Banned: f"{'WHOM':32}  {'UNTIL (UTC)':16}  REASON",
    ask.Invited: f"{'ID':8}  {'USES':>6}  {'UNTIL (UTC)':16}  NOTE",
}

UNKNOWN = "?"


def head(answer: Answer) -> str | None:
    """Return the line above the first answer of this kind."""
    if isinstance(answer, ask.Invited) and answer.token:
        return None
    return HEADS.get(type(answer))


def lines(answer: Answer) -> Iterator[str]:
    match answer:
        case ask.State():
            yield from _state(answer)
        case ask.User():
            used = f"{answer.used_hours:,.1f} h"
            yield (
                f"{answer.name:32}  {answer.status:8}  {_utc(answer.since):16}"
                f"  {on_one_line(answer.address) or '-':15}  {used:>9}"
                f"  {UNKNOWN if answer.waiting is None else answer.waiting}"
            )
        case ask.Banned():
            yield f"{answer.whom:32}  {_until(answer.until):16}  {on_one_line(answer.reason)}"
        case ask.Invited(token=""):
            note = on_one_line(answer.note)
            yield f"{answer.id}  {answer.uses:6,}  {_until(answer.until):16}  {note}"
        case ask.Invited(token=token, join=join):
            names = "1 new name" if answer.uses == 1 else f"{answer.uses:,} new names"
            until = "" if answer.until is None else f", until {_utc(answer.until)} UTC"
            yield f"Token {token} (id {answer.id}) lets {names} in{until}."
            if join:
                yield f"Give to your users: {join}"
        case ask.Loses(text=text) | ask.Said(text=text):
            yield from lines_of("", text)


def _state(state: ask.State) -> Iterator[str]:
    here = sum(count for status, count in state.users.items() if status != "OFFLINE")
    by_status = ", ".join(f"{count} {status}" for status, count in state.users.items())
    since = ", ".join(f"{count} {outcome}" for outcome, count in state.registrations.items())
    left = ", ".join(f"{count} {outcome}" for outcome, count in state.left.items())
    cut = ", ".join(f"{count} {why}" for why, count in state.cut.items())
    rows = {
        "Version": state.version,
        "Key": state.key,
        "Listens on": ", ".join(state.addresses),
        "Runs for": spell_duration(state.up_seconds),
        "Users": f"{here:,} online of {state.names:,} ({by_status})",
        "Strangers": f"{state.strangers:,} connections; room for {state.connections:,} in all",
        "Mail": _mail(state),
        "Registering": f"{state.registering}; {state.bans} bans, {state.invites} invites",
        "Registered": since or "-",
        "Messages": f"{left or '-'}; {state.taken:,} taken",
        "Cut": cut or "-",
        "Told": on_one_line(state.motd) or "-",
        "Log": state.log,
    }
    if state.directories > 1:
        rows["Directories"] = f"{state.directories}; the others at {', '.join(state.others) or '-'}"
    for name, value in rows.items():
        yield f"{name + ':':13}{value}"
    if state.draining:
        yield "It is being emptied: nobody comes in."
    if state.store_failing:
        yield "NOTHING CAN BE STORED: new names and messages are refused."


def _mail(state: ask.State) -> str:
    if state.messages_waiting is None or state.mail_bytes is None:
        return "not known: the store does not answer"
    room = f"{state.mail_bytes / MIB:,.1f} MiB of {state.mail_most_bytes / MIB:,.0f}"
    return f"{state.messages_waiting:,} messages, {room}"


def _until(until: float | None) -> str:
    return "for ever" if until is None else _utc(until)


def _utc(time: float) -> str:
    return f"{datetime.datetime.fromtimestamp(time, datetime.UTC):%Y-%m-%d %H:%M}"
