"""No mutant ends a program: five seconds of `tests.attacks.fuzz` at each of its targets."""

from pathlib import Path

import pytest

from tests.attacks.fuzz import fuzz
from tests.kit.attackers.victims import VICTIMS

SECONDS = 5.0


@pytest.mark.untraced
@pytest.mark.parametrize("target", VICTIMS)
def test_mutants_end_no_program_and_keep_nobody_honest_away(target: str, tmp_path: Path) -> None:
    figures = fuzz(target, tmp_path, seconds=SECONDS, seed=1)
    assert not figures.wounds, str(figures)
    assert not figures.lost_probes
    assert figures.messages
    assert figures.probes
