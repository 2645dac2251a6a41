"""The table that `python -m tests.bench` prints."""

from rich.table import Table
from rich.text import Text

from tests.bench.figures import Figure


def table(figures: list[Figure]) -> Table:
    drawn = Table(title="Parley, beside bare programs in the same run", title_justify="left")
    for head in ("what", "bare program"):
        drawn.add_column(head, overflow="fold")
    for head in ("Parley", "bare", "ratio", "target"):
        drawn.add_column(head, justify="right", no_wrap=True)
    for figure in figures:
        drawn.add_row(
            figure.what,
            figure.bare,
            figure.unit.show(figure.value),
            "" if figure.limit is None else figure.unit.show(figure.limit),
            "" if figure.ratio is None else f"{figure.ratio:.2f} x",
            _target(figure),
        )
    return drawn


def _target(figure: Figure) -> Text:
    match figure.is_met:
        case None:
            return Text("")
        case True:
            return Text(f"{figure.show_target()} met", style="green")
        case False:
            return Text(f"{figure.show_target()} missed", style="red")
