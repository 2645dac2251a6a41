"""Answer the commands that only look: LIST USERS, INFO, MEMBERS, HISTORY, SEARCH and others."""

from collections.abc import Sequence

from peer import results
from peer.commands.grammar import History, Search
from peer.core.targets.choice import two_meanings
from peer.core.targets.place import Place
from peer.local_peer import LocalPeer
from peer.storage.history import Found
from shared.errors import Refused
from shared.identity import fingerprint
from shared.messages.directory import Presence
from shared.names import fold


async def users(peer: LocalPeer, beginning: str = "", *, whole: bool) -> results.UserList:
    """Return users; `whole`: all of them, however many, as a script wants them."""
    crowd, more = 0, False
    everybody: Sequence[Presence]
    if beginning and whole:
        everybody = await peer.roster.search.all(beginning)
    elif beginning:
        page = await peer.roster.search.page(beginning)
        everybody, more = page.users, page.more
    elif whole:
        everybody = await peer.roster.users()
    else:
        everybody = await peer.roster.refresh()
        crowd = await peer.roster.count_crowd()
    verified = tuple(user.name for user in everybody if peer.keys.is_verified(user.name))
    contradicted = tuple(user.name for user in everybody if peer.keys.is_contradicted(user.name))
    return results.UserList(
        tuple(everybody),
        peer.name,
        peer.roster.round_trips,
        verified,
        contradicted,
        online=crowd,
        beginning=beginning,
        more=more,
    )


async def info(peer: LocalPeer, name: str) -> results.UserInfo:
    contact = await peer.finder.contact(name)
    shared = [room for room in peer.rooms.labels if contact.name in peer.rooms.others(room)]
    is_verified = peer.keys.is_verified(contact.name)
    route = peer.conversation.route_to(contact)
    return results.UserInfo(contact, fingerprint(contact.key), is_verified, tuple(shared), route)


async def members(peer: LocalPeer, room: str) -> results.MemberList:
    """Return who is in a room, or in my conversation."""
    if room:
        await peer.rooms.take_up()
        ways = tuple(await peer.rooms.members(room))
        return results.MemberList(peer.name, ways, peer.rooms.label(room))
    return results.MemberList(peer.name, tuple(await peer.conversation.members()))


async def who_got(peer: LocalPeer, here: Place) -> results.WhoHas:
    """Return how far my last text at this place got; raise Refused if there is none."""
    if here.person:
        raise Refused("WHO GOT is for rooms and conversations: a private line has one reader.")
    if here.room:
        await peer.rooms.take_up()
    last_said = peer.conversation.last_said(here.room)
    if last_said is None:
        where = f"in {here}" if here.room else "in a conversation"
        if not here.room and peer.conversation.others:
            where = "in this conversation"
        raise Refused(f"You have said nothing {where} since this program started.")
    states = ((name, results.state_of(last_said, name)) for name in last_said.states())
    return results.WhoHas(tuple(states), last_said.text, here.room)


async def history(peer: LocalPeer, asked: History) -> results.WhatWasSaid:
    last, to_all, name = asked.last, asked.to_all, asked.name
    room = asked.room
    if name and not (room or asked.is_user):
        room = _room_called(peer, "HISTORY", name)
    found: Found = await peer.history.last(
        None if room else name, to_all=to_all, room=room, last=last
    )
    count = len(found.entries)
    note = "" if found.entries else "No history here: nothing was said, or history is off."
    if found.more and count < last:
        note = f"Only the last {count}: they are very long."
    where = f" of the room #{room}" if room else _where(peer, name, to_all=to_all)
    heading = f"The last {_texts(count)}{where}:"
    return results.WhatWasSaid(tuple(found.entries), peer.name, note, heading)


def _room_called(peer: LocalPeer, words: str, name: str) -> str:
    """Return my room of this name; "" if there is none.  Raise Refused if a user has it, too."""
    room = peer.history.room(name)
    if room and fold(name) != fold(peer.name) and peer.roster.is_known(name):
        raise two_meanings(words, name)
    return room


def _texts(count: int) -> str:
    return "text" if count == 1 else f"{count} texts"


def _where(peer: LocalPeer, name: str | None, *, to_all: bool) -> str:
    if to_all:
        return " to all"
    if name is not None:
        return f" with {name}"
    if others := ", ".join(peer.conversation.others):
        return f" of your conversation with {others}"
    return " of your last conversation"


async def search(peer: LocalPeer, search: Search) -> results.WhatWasSaid:
    inner = search.perhaps
    if inner and (inner.room or peer.history.room(inner.user) or peer.roster.is_known(inner.user)):
        search = inner
    room = search.room
    if search.user and not (room or search.is_user):
        room = _room_called(peer, "IN", search.user)
    user = None if room else search.user or None
    found = await peer.history.search(search.words, user=user, room=room)
    count = len(found.entries)
    more = f"There are more; these are the last {count}." if found.more else ""
    where = f", in #{room}" if room else f", with {user}" if user else ""
    contains = "contains" if count == 1 else "contain"
    return results.WhatWasSaid(
        tuple(found.entries),
        peer.name,
        more if found.entries else "Nothing was found.",
        f"The last {_texts(count)} that {contains}: {search.words}{where}",
        tuple(found.around),
    )


def about_a_user(peer: LocalPeer, name: str) -> str:
    """Return what may be done with a user whose bare name was typed; "" if nobody is called so."""
    for user in peer.roster.known:
        if fold(user.name) == fold(name):
            return (
                f"{user.name} is a user: CHAT {user.name} invites them,"
                f" PRV {user.name} text sends one line."
            )
    return ""
