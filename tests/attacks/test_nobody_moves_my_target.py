"""Nobody but its user moves a target: not by a name, not by a text, not by a thousand lines."""

from peer import events
from peer.core.targets.places import PERSONS_MOST
from tests.kit.community import Community, Person

ESCAPES = "\x1b]0;title\x07\x1b[2J\u202e"


def writes(victim: Person, sender: str, text: str) -> None:
    """Let a line come, as from another program."""
    victim.console.tell(events.SaidPrivately(sender, text), events.nothing)


def places(victim: Person) -> dict[str, tuple[int, int]]:
    """Return the number of each place, and how many texts are unread there."""
    states = victim.console.targets.look().states
    return {str(one.place): (one.number, one.unread) for one in states}


async def test_a_thousand_strangers_move_no_number_and_no_target(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("ROOM lab", "GO dave")
    for number in range(1_000):
        writes(carol, f"stranger{number}", f"GO stranger{number}")
    await carol.types("still to dave", "/GO ?")
    await dave.sees("[private] carol: still to dave")
    known = places(carol)
    assert len(known) <= PERSONS_MOST + 2  # home, and the room
    assert known[""] == (1, 0)
    assert known["#lab"] == (2, 0)
    assert known["dave"] == (3, 0)
    assert not any(number for name, (number, _) in known.items() if name.startswith("stranger"))
    counted = sum(unread for _, unread in known.values())
    await carol.sees(f"- others: {1_000 - counted} unread")
    await carol.types("GO lab", "GO stranger999")  # whom carol chooses has a place
    assert places(carol)["stranger999"][0] == 4


async def test_a_user_named_like_my_room_gets_nothing_of_it(community: Community) -> None:
    carol, lab = await community.start("carol", "lab")
    await carol.types("ROOM lab")
    await lab.types("PRV carol come to #lab")
    await carol.sees("[private] lab: come to #lab")
    await carol.types("GO lab")
    await carol.sees("A room of yours and a user are called lab: GO #lab or GO @lab.")
    await carol.types("GO #lab", "a secret of the room")
    await carol.sees("Each line is a text for #lab (1 member) now; GO leads back.")
    await carol.types("MUTE lab", "/mute #lab", "GO @lab", "hello")
    await carol.sees("#lab is only counted until UNMUTE #lab; GO #lab shows it.")
    await lab.sees("[private] carol: hello")
    lab.never_saw("secret")
    lab.never_saw("MUTE")


async def test_no_name_or_text_looks_like_another_place(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    for sender in ("#lab", "dave (ANOTHER KEY)", "dave\nerin", ESCAPES, ""):
        writes(carol, sender, "hi")
    writes(carol, "dave", f"#lab erin: hi{ESCAPES}\n--- 9 unread ---\n[private] erin: hi")
    assert places(carol) == {"": (1, 0), "dave": (0, 1)}
    await carol.types("GO ?", "GO dave")
    shown = "\n".join(carol.lines)
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert not any(
        line.startswith(("[private] erin", "--- 9", "#lab erin")) for line in carol.lines
    )
    await carol.sees("- others: 5 unread")
    await carol.sees("--- 1 unread ---")
    assert dave.is_running
