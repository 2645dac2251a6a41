"""Keep how loud a place is, of which the texts are dimmed or muted."""

from msgspec import Struct

from peer.commands.grammar import Loud


class QuietPlace(Struct, frozen=True):
    """One place; `person`: the one whose it is, '' for a room."""

    person: str = ""
    loud: Loud = Loud.SHOWN

    @classmethod
    def read(cls, person: str, word: str) -> "QuietPlace":
        """Return what `word` says, the command that made it so."""
        return cls(person, Loud(word))

    @property
    def word(self) -> str:
        return self.loud.value

    @property
    def is_usual(self) -> bool:
        """Whether its texts are shown as those of other places."""
        return self.loud is Loud.SHOWN

    @property
    def is_only_counted(self) -> bool:
        return self.loud is Loud.HELD
