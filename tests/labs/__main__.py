"""python -m tests.labs [NAME ...]: all labs, or these; needs root and /dev/net/tun.

It needs `ip`, `nft`, `conntrack` and `miniupnpd` as well.
"""

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from tests.labs import forgetting, punching, remapping, verdicts

MODULES = (punching, forgetting, remapping, verdicts)
LABS = {name: module.run for module in MODULES for name in module.LABS}


def main() -> int:
    """Play the labs; return the exit code: 0 when all were as they must be."""
    parser = argparse.ArgumentParser(prog="python -m tests.labs", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(LABS))
    names = parser.parse_args().names or list(LABS)
    if unknown := [name for name in names if name not in LABS]:
        parser.error(f"no such lab: {', '.join(unknown)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # or the hosts would stay
    are_good = []
    for name in names:
        with tempfile.TemporaryDirectory(prefix="parley-lab-") as folder:
            stage = Path(folder) / "stage" / name
            stage.mkdir(parents=True)
            are_good.append(LABS[name](name, stage))
    return 0 if all(are_good) else 1


if __name__ == "__main__":
    sys.exit(main())
