"""Messages left for users who are away, each promised only after the commit.

Two limits: what SQLite can commit, and what one trio program can answer over TLS.
The quotas (100 from one to another, 1,000 in a mailbox) and the pace of one link
(2,000 lines at once, 1,000 a second after that) are not reached.
"""

from typing import Final

from tests.bench.bare import bare_server
from tests.bench.commits import commits_a_second
from tests.bench.figures import AtLeast, Figure, Unit
from tests.bench.plan import Plan
from tests.bench.processes import Child, directory, module
from tests.bench.senders import SEALED_BYTES

SENDERS: Final = {1: 450, 16: 250, 256: 40}  # so many at once: messages of each, in a round
RECEIVERS: Final = 500
ROUNDS: Final = 3  # of each by turns; the best one counts
TARGET: Final = 10_000


async def measure(plan: Plan) -> list[Figure]:
    folder, figures = plan.folder / "bare", []
    receivers = plan.times(RECEIVERS, least=20)
    async with (
        bare_server(folder, "echo") as (_, bare_port),
        directory(plan.folder / "directory") as (_, port),
        module("senders", folder, port, bare_port, max(SENDERS), receivers) as senders,
    ):
        await senders.hear()
        for at_once, full in SENDERS.items():
            figures += await _measure(plan, senders, at_once, plan.times(full, least=2))
    return figures


async def _measure(plan: Plan, senders: Child, at_once: int, each: int) -> list[Figure]:
    left, echoed, committed = [], [], []
    texts = at_once * each
    for turn in range(ROUNDS):
        left.append(texts / float(await senders.ask(f"leave {at_once} {each}")))
        echoed.append(texts / float(await senders.ask(f"echo {at_once} {each}")))
        path = plan.folder / f"bare_{at_once}_{turn}.db"
        committed.append(await commits_a_second(path, at_once, each, size=SEALED_BYTES))
    what = f"messages left, {at_once} at once"
    program = "SQLite, a commit for each" if at_once == 1 else "SQLite, callers share commits"
    target = AtLeast(TARGET) if at_once == max(SENDERS) else None
    return [
        Figure(what, max(left), Unit.A_SECOND, max(committed), program, target),
        Figure(what, max(left), Unit.A_SECOND, max(echoed), "TLS echo of the same lines"),
    ]
