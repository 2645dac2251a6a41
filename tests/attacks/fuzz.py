"""Mutants at real programs on the loopback:

    python -m tests.attacks.fuzz [--seconds N] [--seed S] [directory|peer|letters|false-directory]

They are made from the types of the messages, and signed after they were changed.  It tells
what was sent, what broke, how long an honest user waited at most, and how memory grew.
"""

import argparse
import random
import sys
import tempfile
from pathlib import Path
from typing import Final

import trio

from tests.kit.attackers.victims import VICTIMS, Figures
from tests.kit.programs import Stage

SECONDS: Final = 60.0


def fuzz(target: str, folder: Path, *, seconds: float, seed: int) -> Figures:
    """Play at one target; all programs are gone afterwards."""
    stage = Stage(folder)
    try:
        victim = VICTIMS[target](stage, random.Random(seed))
        return trio.run(victim.play, seconds)
    finally:
        stage.closes()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("target", nargs="?", choices=VICTIMS, help="all of them by default")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for each target")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    wounds = 0
    for target in [options.target] if options.target else VICTIMS:
        with tempfile.TemporaryDirectory(prefix="parley-fuzz-") as folder:
            place = Path(folder) / "a" / "b"
            place.mkdir(parents=True)
            figures = fuzz(target, place, seconds=options.seconds, seed=options.seed)
        print(figures, flush=True)
        wounds += len(figures.wounds)
    return min(wounds, 1)


if __name__ == "__main__":
    sys.exit(main())
