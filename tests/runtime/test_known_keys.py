"""Keys: the words that both must see, keys that change, and who is not listened to."""

import trio

from peer.core.local_time import local_time
from tests.kit.community import Community, Person
from tests.kit.gathering import group

WORDS = "You and {} must both see these words: "


async def with_a_new_key(community: Community, name: str) -> Person:
    """Give the name back, and let another machine take it a month later."""
    await community.people[name].types("UNREGISTER", "Y")
    await community.people[name].is_gone()
    community.directory.frees(name)
    other = community.person(name)
    await other.starts()
    return other


async def verifies(one: Person, other: str) -> None:
    """Compare the words, and find them the same."""
    await one.types(f"VERIFY {other}")
    await one.sees(f"Are they the same at {other}'s? (Y/N)")
    await one.types("Y")
    await one.sees_part(f"{other} is verified.")


# --- Verifying --------------------------------------------------------------------


async def test_both_see_the_same_words(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await carol.types("VERIFY dave", "VERIFY erin")
    with_dave = (await carol.sees_part(WORDS.format("dave"))).removeprefix(WORDS.format("dave"))
    with_erin = (await carol.sees_part(WORDS.format("erin"))).removeprefix(WORDS.format("erin"))
    await dave.types("VERIFY carol")
    await dave.sees(WORDS.format("carol") + with_dave)
    await erin.types("VERIFY carol")
    await erin.sees(WORDS.format("carol") + with_erin)
    assert with_dave != with_erin
    carol.never_saw("new key")
    await carol.types("VERIFY carol")
    await carol.sees("That is you.")
    await carol.types("VERIFY frank")
    await carol.sees("User frank does not exist!")


async def test_a_changed_key_is_refused_until_it_is_verified(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.connects_with(dave)
    await carol.types("\\q")
    await dave.sees("The conversation is over.")
    dave = await with_a_new_key(community, "dave")
    await carol.types("CHAT dave")
    refusal = await carol.sees_part("The key of dave has changed. It was ")
    assert refusal.endswith("and type VERIFY dave to compare the new key.")
    for command in ("PRV dave hello", "LEAVE dave hello", "INFO dave", "dave hello"):
        await carol.types(command)
        await carol.sees(refusal)
    await trio.sleep(60)
    dave.never_saw("carol:")
    dave.never_saw("wants to chat")
    await carol.types("VERIFY dave")
    await carol.sees_part(WORDS.format("dave"))
    await carol.sees_part("The old one counts until you say yes.")
    await carol.sees("Are they the same at dave's? (Y/N)")
    await carol.types("Y")
    await carol.sees("dave is verified. The new key of dave is accepted from now on.")
    await carol.connects_with(dave)


async def test_a_changed_key_that_dials_is_refused_and_said_once(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("@dave hello")
    await dave.sees("[private] carol: hello")
    dave = await with_a_new_key(community, "dave")
    await dave.types("CHAT carol")
    await dave.sees(
        "User carol cannot be reached: the key of dave is not the one known here."
        " Would you like to leave a message? (Y/N)"
    )
    await carol.sees_part("The key of dave has changed. It was ")
    await dave.types("@carol hello")
    await dave.sees("Not delivered to carol: the key of dave is not the one known here.")
    await dave.types("CHAT carol")
    await trio.sleep(5)
    assert carol.saw("has changed") == 1
    carol.never_saw("wants to chat")
    await verifies(carol, "dave")
    await dave.types("@carol hello again")
    await carol.sees("[private] dave: hello again")


async def test_a_message_from_a_changed_key_stays_until_it_is_verified(
    community: Community,
) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("@dave hello")
    await dave.sees("[private] carol: hello")
    dave = await with_a_new_key(community, "dave")
    await dave.types("LEAVE carol it is me")
    await carol.sees_part("A message that was left for you stays at the directory. The key of dave")
    await verifies(carol, "dave")
    await carol.sees("1 message was left for you:")
    await carol.sees_part("] dave: it is me")
    await dave.sees(f"carol received your message of {local_time(dave.now):%H:%M}.")


async def test_keys_are_remembered_over_restarts(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("@dave hello")
    await dave.sees("[private] carol: hello")
    await carol.quits()
    await with_a_new_key(community, "dave")
    await carol.starts()
    await carol.types("CHAT dave")
    await carol.sees_part("The key of dave has changed.")
    await verifies(carol, "dave")
    await carol.starts_again()
    await carol.types("CHAT dave")
    await carol.sees("Waiting for dave's response...")


# --- Ignoring ---------------------------------------------------------------------


async def test_who_is_ignored_hears_silence_and_learns_nothing(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("IGNORE dave")
    await carol.sees("You will no longer hear from dave.")
    shown = len(carol.lines)
    await dave.types("CHAT carol")
    await dave.sees("Waiting for carol's response...")
    await dave.sees("User carol did not answer.", within=61)
    delivery = dave.peer.lines.private("carol", "hello")
    with trio.fail_after(1):
        await delivery.wait()
    await dave.types("MSG hello all", "LEAVE carol hello")
    await dave.sees("Message left for carol.")
    await dave.sees_part("carol received your message of")
    dave.never_saw("Not delivered")
    assert len(carol.lines) == shown
    assert not carol.has_open_question


async def test_an_ignored_partner_is_not_heard_in_a_conversation(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    await carol.types("/ignore dave")
    await dave.types("can you hear me?")
    await trio.sleep(1)
    await carol.types("/unignore dave")
    await carol.sees("You hear dave again.")
    await dave.types("and now?")
    await carol.sees("dave: and now?")
    carol.never_saw("can you hear me?")


async def test_an_answer_after_a_restart_stands_below_what_an_ignored_member_had_said(
    community: Community,
) -> None:
    carol, dave, erin = await group(community, "carol", "dave", "erin")
    await carol.types("/ignore dave")
    for said in ("one", "two", "three"):
        await dave.types(said)
        await erin.sees(f"dave: {said}")
    await trio.sleep(1)  # for carol's disk
    await carol.is_killed()
    await carol.starts()
    await carol.sees_part("You are back in the conversation")
    await carol.types("here I am")
    await erin.sees("carol: here I am")
    await erin.types("/HISTORY")
    await erin.sees_part("] carol: here I am")
    read = [line for line in erin.lines if line.startswith("[") and ": " in line]
    assert [line.rpartition(": ")[2] for line in read][-4:] == ["one", "two", "three", "here I am"]


async def test_ignoring_is_remembered_and_can_end(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("IGNORE dave")
    await carol.starts_again()
    await dave.types("@carol one")
    await trio.sleep(1)
    await carol.types("UNIGNORE dave")
    await carol.sees("You hear dave again.")
    await carol.types("UNIGNORE dave")
    await carol.sees("You do not ignore dave.")
    await dave.types("@carol two")
    await carol.sees("[private] dave: two")
    carol.never_saw("one")


async def test_chat_with_somebody_who_is_ignored_is_a_change_of_mind(community: Community) -> None:
    """An invitation rings in silence, and asking back is a yes."""
    carol, dave = await community.start("carol", "dave")
    await carol.types("IGNORE dave")
    await dave.types("CHAT carol")
    await dave.sees("Waiting for carol's response...")
    await carol.types("CHAT dave")
    await carol.sees("You are now connected with dave.")
    await dave.sees("You are now connected with carol.")


# --- Certificates that end -----------------------------------------------------------


async def test_who_was_away_for_more_than_a_year_comes_back(community: Community) -> None:
    """His certificate is out of date; he is known by his key all the same."""
    carol, dave = await community.start("carol", "dave")
    await dave.quits()
    years = 3 * 365 * 86_400
    for one in (carol, dave, community.directory):
        one.machine.clock.set(one.machine.clock.time() + years)
    await dave.starts()
    await carol.starts_again()
    await dave.types("CHAT carol")
    await carol.sees("User dave wants to chat with you. Would you like to? (Y/N)")
