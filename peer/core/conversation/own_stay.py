"""My stay in a conversation: as whom, with whom, and whether it goes on."""

from collections.abc import Callable

from peer.core.membership import Me, Roll


class OwnStay:
    """One stay of mine, from coming in to leaving; all parts of a conversation look at it.

    It goes on until it is over for the user, and is settled once nothing of it is on its
    way.  It may be asleep: program or network failed, and it goes on when somebody is in
    reach again.
    """

    def __init__(
        self, id: str, me: Me, roll: Roll, *, is_asleep: bool,
        called: Callable[[str], str] | None, spell: Callable[[str], str] | None,
    ) -> None:  # fmt: skip
        """`called` and `spell`: see Conversation."""
        self.id, self.me, self.roll = id, me, roll
        self.called = called or roll.name
        self.spell = spell or self.called
        self.is_asleep = is_asleep
        self.is_over = self.is_settled = False

    def fall_asleep(self) -> None:
        """Note that nobody is left now, but that some may come back."""
        self.is_asleep = True

    def wake_up(self) -> None:
        """Note that somebody is in reach again."""
        self.is_asleep = False

    def end(self) -> None:
        """End it for the user."""
        self.is_over = True

    def settle(self) -> None:
        """Note that nothing more happens in it."""
        self.is_settled = True
