"""What a benchmark measures: a figure, the limit beside it, and the target."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class Unit(Enum):
    MICROSECONDS = "us"  #: the value is in seconds
    MILLISECONDS = "ms"  #: the value is in seconds
    A_SECOND = "/s"
    KIBIBYTES = "KiB"  #: the value is in bytes
    PERCENT = "%"  #: the value is a share of 1

    def show(self, value: float) -> str:
        match self:
            case Unit.MICROSECONDS:
                return f"{value * 1e6:,.0f} us"
            case Unit.MILLISECONDS:
                return f"{value * 1e3:,.1f} ms"
            case Unit.A_SECOND:
                return f"{value:,.0f}/s"
            case Unit.KIBIBYTES:
                return f"{value / 1024:,.1f} KiB"
            case Unit.PERCENT:
                return f"{value:.0%}"


@dataclass(frozen=True)
class AtMost:
    most: float
    of_limit: bool = False  #: `most` times the bare limit, not so much in itself


@dataclass(frozen=True)
class AtLeast:
    least: float


@dataclass(frozen=True)
class Figure:
    """One line of the table.  `limit`: the same, done by a bare program in the same run."""

    what: str
    value: float
    unit: Unit
    limit: float | None = None
    bare: str = ""  #: what the bare program does
    target: AtMost | AtLeast | None = None

    @property
    def ratio(self) -> float | None:
        return self.value / self.limit if self.limit else None

    @property
    def is_met(self) -> bool | None:
        """Whether the target is; None when there is none."""
        match self.target:
            case None:
                return None
            case AtLeast(least):
                return self.value >= least
            case AtMost(most, of_limit=True):
                return self.ratio is not None and self.ratio <= most
            case AtMost(most):
                return self.value <= most

    def show_target(self) -> str:
        match self.target:
            case None:
                return ""
            case AtLeast(least):
                return f">= {self.unit.show(least)}"
            case AtMost(most, of_limit=True):
                return f"<= {most} x"
            case AtMost(most):
                return f"<= {self.unit.show(most)}"


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that is not exceeded by so many of them."""
    return sorted(values)[min(len(values) - 1, int(len(values) * percent / 100))]
