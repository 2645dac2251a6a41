"""Three people who do anything at any moment while cables break: nothing crashes, all agree."""

import pytest
import trio

from tests.kit.community import Community, Person, open_community

LINES = (
    "CHAT {0}", "CHAT {0}", "CHAT {0}", "Y", "Y", "Y", "N", "Y {0}", "\\q", "QUIT CONVERSATION",
    "text {1}", "text {1}", "text {1}", " text {1}", "@{0} text {1}", "MSG text {1}",
    "LEAVE {0} text {1}", "LIST USERS", "STATUS BUSY", "/status active", "INFO {0}", "VERIFY {0}",
)  # fmt: skip


async def stir(community: Community, people: list[Person], number: int) -> None:
    chance = community.chance
    person = chance.choice(people)
    other = chance.choice([one for one in people if one is not person])
    match chance.randrange(20):
        case 0:
            community.cuts(person, other)
        case 1:
            community.separates(person, other)
            await trio.sleep(chance.uniform(0, 15))
            community.reunites(person, other)
        case 2:
            community.cuts(person, community.directory)
        case 3 if chance.random() < 0.3:
            await community.directory.crashes()
            await trio.sleep(chance.uniform(0, 5))
            await community.directory.starts()
        case 4 if chance.random() < 0.3 and community.directory.is_running:
            await person.is_killed()
            await person.starts()
        case _:
            person.types_ahead(chance.choice(LINES).format(other.name, number))
    await trio.sleep(chance.choice([0, 0, 0.01, 0.1, 1, 5]))


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_happens_all_agree_in_the_end(autojump_clock: object, seed: int) -> None:
    async with open_community(seed=seed) as community:
        people = list(await community.start("carol", "dave", "erin"))
        for number in range(60):
            await stir(community, people, number)
        await trio.sleep(200)
        for person in people:
            assert not person.has_open_question_of_others, person.lines
            assert not person.peer.invitations.waits_for
            for partner in person.talks_with:
                assert community.people[partner].talks_with == (person.name,), person.lines
            assert not person.keyboard.waiting
            texts = [line.split(": ")[-1] for line in person.lines if ": text " in line]
            assert len(set(texts)) == len(texts), person.lines
        for person in people:
            await person.ends_input()


async def test_the_same_seed_tells_the_same_story(autojump_clock: object) -> None:
    stories = []
    for _ in range(2):
        async with open_community(seed=7) as community:
            start = trio.current_time()
            people = list(await community.start("carol", "dave", "erin"))
            for number in range(40):
                await stir(community, people, number)
            stories.append([trio.current_time() - start, *(person.lines for person in people)])
    assert stories[0][1:] == stories[1][1:]
    assert stories[0][0] == pytest.approx(stories[1][0])
