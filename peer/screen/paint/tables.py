"""Lay out answers as tables: the subject on the left, its details beside it."""

from collections.abc import Iterable
from datetime import date

from rich.text import Text

from peer import results
from peer.commands.manual import Page
from peer.core.conversation.route import Route
from peer.core.local_time import local_time
from peer.results import GROUPS, milliseconds, way_to
from peer.screen.paint.colours import STRONG, SYSTEM, TIME, name_style
from peer.screen.paint.hanging_row import Row
from peer.screen.shown_names import harmless
from shared.clean import clean, on_one_line
from shared.messages.directory import Presence
from shared.names import fold

LEFT = " "  # no table begins at the left edge, where texts and sentences do
GAP = "  "
SINCE = len("2026-11-21")
PADDED = 16  # of a name; a longer one must not push the others off the screen


def user_list(users: results.UserList, today: date) -> list[Row]:
    rows: list[tuple[Text, Text]] = []
    longest = max([len(_marked(user, users)) for user in users.users], default=0)
    widest = min(longest, PADDED)
    trips = users.round_trips
    for status in GROUPS:
        group = Text(status.value, STRONG)
        of = users.group(status)
        if not of:
            rows.append((group, Text("-")))
        for user in sorted(of, key=lambda user: fold(user.name)):
            name = _marked(user, users)
            body = Text(f"{name:<{widest}}", name_style(user.name, users.me))
            since = f"{_since(user.since, today):<{SINCE if trips else 0}}"
            trip = f"{GAP}{milliseconds(trips[user.name])}" if user.name in trips else ""
            times = (f"{since}{trip}".rstrip(), TIME)
            note = (f"{GAP}({on_one_line(user.note)})" if user.note else "", SYSTEM)
            rows.append((group, Text.assemble(body, GAP, times, note)))
            group = Text()
    return _table(rows)


def user_info(info: results.UserInfo, me: str) -> list[Row]:
    contact = info.contact
    since = f"{local_time(contact.since):%Y-%m-%d %H:%M}"
    rows = [
        (Text("user", SYSTEM), Text(harmless(contact.name), name_style(contact.name, me))),
        (Text("status", SYSTEM), Text(f"{contact.status.value} since {since}")),
    ]
    if contact.note:
        rows.append((Text("note", SYSTEM), Text(on_one_line(contact.note))))
    if contact.host:
        where = f"{harmless(contact.host)}:{contact.port}"
        rows.append((Text("address", SYSTEM), Text(where)))
    if info.rooms:
        rows.append((Text("rooms", SYSTEM), Text(clean(info.shared))))
    if info.route:
        rows.append((Text("way", SYSTEM), Text(clean(way_to(info.route)))))
    verified = ", verified" if info.is_verified else ""
    rows.append((Text("key", SYSTEM), Text(info.fingerprint + verified)))
    return _table(rows)


def member_list(members: results.MemberList) -> list[Row]:
    me = members.me
    rows = [(Text(_shown(me, me), name_style(me, me)), Text())]
    for one in members.others:
        rows.append((Text(harmless(one.name), name_style(one.name, me)), Text(_way(members, one))))
    return _table(rows)


def who_has(who: results.WhoHas, me: str) -> list[Row]:
    return _table(
        [
            (Text(harmless(name), name_style(name, me)), Text(clean(state)))
            for name, state in who.states
        ]
    )


def words(both_see: results.Words) -> list[Row]:
    return _table([(Text(), Text(clean(" ".join(both_see.words)), STRONG))])


def manual(page: Page) -> list[Row]:
    rows = _table([(Text(entry.usage, STRONG), Text(entry.meaning)) for entry in page.entries])
    return rows + [Row(Text(LEFT), Text(line)) for line in page.notes]


def explained(lines: Iterable[str]) -> list[Row]:
    """Lay out the manual's lines about one command."""
    parts = [line.partition(": ") for line in lines]
    return _table([(Text(clean(what), STRONG), Text(clean(said))) for what, _, said in parts])


def _table(rows: Iterable[tuple[Text, Text]]) -> list[Row]:
    heads = [(Text.assemble(LEFT, head, GAP if head else ""), body) for head, body in rows]
    column = max([len(head.plain) for head, _ in heads], default=0)
    return [Row(head, body, column) for head, body in heads]


def _marked(user: Presence, users: results.UserList) -> str:
    return harmless(user.name) + users.mark(user)


def _shown(name: str, me: str) -> str:
    return f"{harmless(name)} (you)" if fold(name) == fold(me) else harmless(name)


def _way(members: results.MemberList, one: Route) -> str:
    return clean(members.how(one))


def _since(seconds: float, today: date) -> str:
    since = local_time(seconds)
    return f"{since:%H:%M}" if since.date() == today else f"{since:%Y-%m-%d}"
