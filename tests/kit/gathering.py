"""Bring people together in one conversation."""

import trio

from tests.kit.community import Community, Person


async def group(community: Community, *names: str) -> list[Person]:
    """Start all of them, and bring them into one conversation; the first one adds the others."""
    people = list(await community.start(*names))
    await people[0].connects_with(people[1])
    for newcomer in people[2:]:
        await adds(people[0], newcomer)
    return people


async def adds(one: Person, newcomer: Person) -> None:
    await one.types(f"ADD {newcomer.name}")
    await newcomer.sees_part(f"User {one.name} wants to chat with you")
    await newcomer.types("Y")
    await newcomer.sees_part("You are now connected with ")
    await one.sees(f"You are now connected with {newcomer.name}.")


async def are_separate(community: Community, one: Person, other: Person) -> None:
    """Let nothing pass between them, and return when both have noticed."""
    community.separates(one, other)
    await trio.sleep(15)  # under the clock of a community
