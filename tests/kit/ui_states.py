"""States of the program, for the tests of what a screen makes of them."""

import unicodedata

from hypothesis import strategies as st

from peer.core.targets.place import HOME, Place
from peer.core.targets.places import PlaceState
from peer.screen.ui_state import Member, UiState
from shared.messages.common import Status
from shared.messages.directory import Presence

USERS = (
    Presence("carol", Status.ACTIVE, 0.0),
    Presence("dave", Status.ACTIVE, 0.0),
    Presence("erin", Status.BUSY, 0.0),
    Presence("frank", Status.OFFLINE, 0.0),
)
OUTSIDE = UiState(me="carol", users=USERS)
TALKING = UiState(me="carol", users=USERS, status=Status.BUSY, members=(Member("dave"),))
GROUP = UiState(me="carol", users=USERS, members=(Member("dave"), Member("erin")))
ASKED = UiState(me="carol", users=USERS, questions=("dave", "erin"), invited_by=("dave", "erin"))
WRITING = UiState(me="carol", users=USERS, writing_to="frank")

# Names of hostile users: any string is possible.
NAMES = st.text(max_size=40) | st.text(
    st.characters(categories=["Cc", "Cf", "Cs", "Mn", "Lo", "So"]) | st.sampled_from("\n\x1b\u202e")
)
_SOME = st.lists(NAMES, max_size=6).map(tuple)
_PLACES = st.builds(Place, NAMES) | st.builds(Place, st.just(""), NAMES)
OUTLOOKS = st.builds(
    UiState,
    NAMES,
    st.sampled_from(Status),
    st.lists(st.builds(Member, NAMES, st.booleans(), NAMES, st.integers(0, 9_999)), max_size=6).map(
        tuple
    ),
    st.just("") | NAMES,
    _SOME,
    _SOME,
    _SOME,
    st.just("") | NAMES,
    st.booleans(),
    st.integers(0, 9_999),
    st.integers(0, 9_999),
    st.booleans(),
    st.lists(
        st.builds(Presence, NAMES, st.sampled_from(Status), st.just(0.0), NAMES), max_size=6
    ).map(tuple),
    is_displaced=st.booleans(),
    here=st.just(HOME) | _PLACES,
    places=st.lists(
        st.builds(PlaceState, _PLACES, st.integers(0, 9), st.integers(0, 9_999)), max_size=6
    ).map(tuple),
    elsewhere=st.integers(0, 9_999),
    rooms=st.lists(st.tuples(NAMES, _SOME), max_size=3).map(tuple),
)


class Owner:
    """What has a state that completions look at."""

    def __init__(self, ui_state: UiState) -> None:
        self.ui_state = ui_state
        self.sought: list[str] = []

    def seek(self, beginning: str) -> None:
        self.sought.append(beginning)


def is_harmless(text: str) -> bool:
    """Return whether no character is a control, a line break or an override."""
    return not any(
        unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
        or "\u202a" <= character <= "\u202e"
        for character in text
    )
