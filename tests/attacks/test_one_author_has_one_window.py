"""What one author may have me keep in memory does not grow with the epochs that they open."""

import trio

from peer.core.conversation.incoming.inbox import AUTHOR_BYTES, AUTHOR_TEXTS, EPOCHS
from shared.messages.common import TEXT_CHARACTERS
from shared.messages.peers import TEXTS
from tests.kit.attackers.members import sends, text
from tests.kit.community import Community
from tests.kit.cores import CAROL, DAVE, MALLORY, Town
from tests.kit.raw_peer import raw


async def test_a_paused_screen_keeps_one_window_of_an_author(community: Community) -> None:
    (carol,) = await community.start("carol")
    async with raw(community, "mallory") as mallory:
        link = await mallory.talks(carol)
        carol.screen.pauses()
        for start in range(20):
            for seq in range(1, 200):
                link.says(mallory.text(seq, "x" * TEXT_CHARACTERS, epoch=f"{start:016x}"))
            await trio.sleep(0.1)
        assert carol.peer is not None
        kept = carol.peer._exchange.conversations._parts.display.unkept
        assert sum(len(said) for one in kept for said in one.texts) <= AUTHOR_BYTES
        assert sum(len(one.texts) for one in kept) <= AUTHOR_TEXTS
        carol.screen.goes_on()
        link.says(mallory.text(1, "and on it goes", epoch="f" * 16))
        await carol.sees("mallory: and on it goes")


def test_a_thousand_epochs_push_nobody_out_of_what_others_are_told() -> None:
    """Neither out of HELLO, nor out of what a text comes after, nor out of an ACK."""
    town = Town(CAROL, DAVE, MALLORY)
    town.begins(CAROL, DAVE, MALLORY)
    town.settles(5)
    town.says(DAVE, "one of dave")
    town.settles(1)
    for start in range(EPOCHS - 1):
        sends(town, MALLORY, CAROL, text(town, MALLORY, f"a{start:015x}", 1))
        town.shows(CAROL)
        if start % TEXTS == 0:
            town.commits(CAROL)
    town.settles(1)
    carol = town.people[CAROL].core
    assert DAVE in {one.author for one in carol.incoming.have()}
    assert DAVE in {one.author for one in carol.incoming.history_mark}
    town.says(CAROL, "an answer to both")
    town.settles(1)
    (answer,) = [one for one in town.people[DAVE].disk.texts.values() if one.author == CAROL]
    assert {one.author for one in answer.after} == {DAVE, MALLORY}
    assert len(answer.after) <= 4
