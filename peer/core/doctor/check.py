"""Name what one check of DOCTOR found."""

from enum import Enum

from msgspec import Struct, field


class CheckState(Enum):
    """The first word of each line."""

    FINE = "ok"
    WRONG = "!!"
    UNKNOWN = "??"


class Check(Struct, frozen=True):
    """One line of DOCTOR.  `data` holds what it says, for programs."""

    name: str
    state: CheckState
    text: str
    data: dict[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.state.value}  {self.text}"
