"""What others see when a program dies, stops, or starts again."""

import signal
import time

from peer.core.reach.absence import STANDSTILL
from tests.kit.groups import is_delivered
from tests.kit.programs import HOST, Stage, connect

DETECTION = 30.0  # it takes ten; the machine may be slow


def test_who_was_suspended_reads_that_the_others_went_on(stage: Stage) -> None:
    stage.directory()
    carol, dave, erin = (stage.peer(name) for name in ("carol", "dave", "erin"))
    connect(carol, "carol", dave, "dave")
    carol.types("ADD erin")
    erin.sees("User carol wants to chat with you and dave. Would you like to? (Y/N)")
    erin.types("Y")
    for one, said in ((erin, "You are now connected with carol, dave."),
                      (dave, "User erin joined the conversation."),
                      (carol, "User erin joined the conversation.")):  # fmt: skip
        one.sees(said)
    carol.types("before")
    dave.sees("carol: before")
    erin.sees("carol: before")

    carol.sends(signal.SIGSTOP)
    stopped = time.monotonic()
    for other in (dave, erin):
        other.sees("Lost the connection to carol, trying again.")
    dave.types("meanwhile")
    erin.sees("dave: meanwhile")
    # On a busy machine she was silent before: then less than that has passed.
    time.sleep(max(0.0, stopped + STANDSTILL + 1 - time.monotonic()))
    carol.sends(signal.SIGCONT)
    carol.sees_like(r"You were out of reach for \d+ s; (dave and erin|erin and dave) went on\.")
    carol.sees_like(r"(\[.*\] )?dave( \(came ..:..\))?: meanwhile")
    carol.types("after")
    for other in (dave, erin):
        other.sees("carol is back.")
        other.sees("carol: after")
    assert not [line for line in carol.lines if "Lost the connection" in line or "left" in line]


def test_a_killed_peer_has_its_name_back_at_once(stage: Stage) -> None:
    stage.directory()
    dave, carol = stage.peer("dave"), stage.peer("carol")
    carol.dies()
    carol = stage.peer("carol")
    carol.types("PRV dave here again")
    dave.sees("[private] carol: here again")


def test_a_name_is_taken_over_from_a_ghost(stage: Stage) -> None:
    stage.directory()
    dave, ghost = stage.peer("dave"), stage.peer("carol")
    ghost.sends(signal.SIGSTOP)
    ghost_data, new_data = stage.data_of("carol"), stage.data_of("new carol")
    new_data.mkdir()
    (new_data / "key").write_bytes((ghost_data / "key").read_bytes())
    carol = stage.starts_peer("carol", "--data", str(new_data))
    carol.sees(f"You are carol, connected to the directory at {HOST}:{stage.port}.")
    carol.types("PRV dave it is me")
    dave.sees("[private] carol: it is me")


def test_a_partner_who_is_stopped_is_noticed_and_back_with_nothing_lost(stage: Stage) -> None:
    stage.directory()
    carol, dave = stage.talk()
    dave.sends(signal.SIGSTOP)
    carol.sees("Lost the connection to dave, trying again.", DETECTION)
    carol.types("one", "two")
    dave.sends(signal.SIGCONT)
    dave.sees("carol: two")
    carol.sees("dave is back.")
    carol.types("three")
    dave.sees("carol: three")
    said = [line for line in dave.lines if line.startswith("carol: ")]
    assert said == ["carol: one", "carol: two", "carol: three"]


def test_a_partner_who_dies_is_noticed_and_is_back_with_nothing_lost(stage: Stage) -> None:
    stage.directory()
    carol, dave = stage.talk()
    carol.types("one")
    dave.sees("carol: one")
    is_delivered(carol, "dave")  # so the conversation is on his disk
    dave.dies()
    carol.sees("Lost the connection to dave, trying again.", DETECTION)
    carol.types("two")
    dave = stage.peer("dave")
    dave.sees("You are back in the conversation with carol.")
    dave.sees("carol: two")
    carol.sees("dave is back.")
    dave.types("three")
    carol.sees("dave: three")
    while True:  # it takes a moment until dave's disk has it and carol knows
        carol.types("/WHO GOT")
        if carol.sees_like(r"dave: (waiting|delivered at [\d:]+)") != "dave: waiting":
            break


def test_talk_goes_on_without_the_directory(stage: Stage) -> None:
    directory = stage.directory()
    carol, dave = stage.talk()
    directory.dies()
    for one in (carol, dave):
        one.sees("Lost the directory, trying again.")
    carol.types("are you still there?")
    dave.sees("carol: are you still there?")
    stage.directory()
    for one in (carol, dave):
        one.sees("The directory is back.")
    dave.types("I am")
    carol.sees("dave: I am")
    carol.types("LIST USERS")
    carol.sees("BUSY: carol (you), dave")


def test_both_invite_at_once_and_are_connected(stage: Stage) -> None:
    stage.directory()
    carol, dave = stage.peer("carol"), stage.peer("dave")
    for _ in range(5):
        carol.types("CHAT dave")
        dave.types("CHAT carol")
        carol.sees("You are now connected with dave.")
        dave.sees("You are now connected with carol.")
        carol.types("hello")  # text, so no question is open
        dave.types("y")
        dave.sees("carol: hello")
        carol.sees("dave: y")
        carol.types("QUIT CONVERSATION")
        carol.sees("You have just left your last conversation.")
        dave.sees("The conversation is over.")
