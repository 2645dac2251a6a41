"""People who found rooms, and come into them."""

from typing import Final

import trio.testing

from tests.kit.community import Person

ASKS: Final = "User {} asks you into the room #{} ({}). Would you like to join? (Y/N)"


async def founds(founder: Person, *others: Person, room: str = "lab") -> None:
    """Found a room, and bring the others in one after the other."""
    await founder.types(f"ROOM {room}")
    await founder.sees(f"You are in the room #{room}, alone: ADD name TO {room} asks somebody in.")
    for number, other in enumerate(others, start=1):
        await founder.types(f"ADD {other.name} TO {room}")
        count = "1 member" if number == 1 else f"{number} members"
        await other.sees(ASKS.format(founder.name, room, count))
        await other.types(f"Y {founder.name}")
        await other.sees_part(f"You are in the room #{room}, with ")
        await founder.sees(f"User {other.name} joined the room #{room}.")


def history(person: Person, before: int) -> list[str]:
    """Return the lines that HISTORY has shown, without their times."""
    return [line.split("] ", 1)[-1] for line in person.lines[before:]]


async def reads(person: Person, room: str = "lab") -> list[str]:
    """Ask for the HISTORY of a room; return its lines without their times."""
    await trio.testing.wait_all_tasks_blocked()
    before = len(person.lines)
    await person.types(f"HISTORY {room} 1000")
    await trio.testing.wait_all_tasks_blocked()
    return history(person, before)
