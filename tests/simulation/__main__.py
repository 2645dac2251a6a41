"""python -m tests.simulation [--seeds N] [--from SEED] [--trace] [--hash]"""

import argparse
import hashlib
import logging
import sys
import time
import traceback
from collections import Counter

from tests.simulation import scenario
from tests.simulation.scenario import Failure, Scenario

SAY_EVERY = 5.0  # seconds


def main() -> int:
    """Run the seeds; return the exit code: 0 when all were fine."""
    logging.disable()  # dying programs log errors
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1, help="so many of them")
    parser.add_argument("--from", dest="first", type=int, default=0, help="the first one")
    parser.add_argument("--trace", action="store_true", help="print all that happened")
    parser.add_argument("--hash", action="store_true", help="print a digest of all traces")
    parser.add_argument("--most", type=int, default=10, help="stop after so many failures")
    options = parser.parse_args()
    failures: Counter[str] = Counter()
    begun = said = time.monotonic()
    done, digest = 0, hashlib.sha256()
    for seed in range(options.first, options.first + options.seeds):
        story = Scenario(seed)
        try:
            outcome = scenario.play(story)
            if options.trace:
                print(*story.trace, sep="\n")
                print(outcome)
        except Failure as failure:
            if options.trace:
                print(*story.trace, sep="\n")
            print(failure, flush=True)
            if failure.__cause__ is not None and options.seeds == 1:
                traceback.print_exception(failure.__cause__)
            failures[failure.rule] += 1
            if failures.total() >= options.most:
                break
        digest.update("\n".join(story.trace).encode())
        done += 1
        if time.monotonic() > said + SAY_EVERY:
            said = time.monotonic()
            print(f"... {done} seeds, {failures.total()} failed", flush=True)
    if options.hash:
        print(f"traces {digest.hexdigest()[:16]}")  # the same before and after a mere move
    seconds = time.monotonic() - begun
    print(f"{done} seeds in {seconds:.1f} s, {failures.total()} failed {dict(failures)}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
