"""The figures of a directory for Prometheus.  No label holds a name.

Imported only with --metrics: it needs prometheus_client, which the extra `ops` brings.
"""

from collections import Counter as Tally
from collections.abc import Callable, Iterator
from typing import Final

import trio
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from directory_server.community.community import Community
from directory_server.core.operating.counts import Histogram
from shared.errors import StorageError
from shared.messages.common import Status
from shared.version import VERSION

LOOK_SECONDS: Final = 30.0  # between two looks into the database
REGISTRATIONS: Final = ("new", "again", "taken", "refused", "banned")
LEFT: Final = ("stored", "full", "nobody", "failed", "refused")
CUT: Final = ("slow", "silent", "vanished", "takeover", "operator")


class Metrics(Collector):
    def __init__(self, community: Community, strangers: Callable[[], int]) -> None:
        self._community, self._strangers = community, strangers
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        self._mail = (0, 0)  # messages that wait, and their bytes
        self._looked = float("-inf")

    async def page(self) -> bytes:
        """Return the text of /metrics."""
        await self._look()
        return generate_latest(self._registry)

    async def _look(self) -> None:
        now = trio.current_time()
        if now < self._looked + LOOK_SECONDS:
            return
        self._looked = now
        try:
            self._mail = await self._community.store.mail_waiting()
        except StorageError:
            return  # parley_store_failures_total tells

    def collect(self) -> Iterator[Metric]:
        community, counts = self._community, self._community.counts
        yield self._users()
        yield _gauge("names", "Names that are registered", community.registry.names)
        yield _gauges(
            "links", "Connections", "kind",
            {"user": len(community.sessions.links), "stranger": self._strangers()},
        )  # fmt: skip
        yield _counters(
            "registrations", "Registrations", "outcome", counts.registrations, REGISTRATIONS
        )
        yield _counter("handshakes_failed", "TLS handshakes that failed", counts.handshakes_failed)
        yield _counters("left", "Messages that were left", "outcome", counts.left, LEFT)
        yield _counter("taken", "Messages that their receivers have taken", counts.taken)
        yield _gauge("envelopes_waiting", "Messages that wait", self._mail[0])
        yield _gauge("mailbox_bytes", "Room that they take", self._mail[1])
        yield _histogram("commit_seconds", "Time of one commit", counts.commit_seconds)
        yield _histogram("commit_batch", "Writes in one commit", counts.commit_batch)
        yield from self._announcements()
        yield _gauge("directories", "Directories on the same store", community.others.alive + 1)
        yield _counter("heard", "Bulletins of the other directories", counts.heard)
        yield _gauge("untold", "Users whose change others do not know", community.others.behind)
        yield _histogram("loop_late_seconds", "How late the tick came", counts.loop_late)
        yield _counters("links_cut", "Connections that were cut", "why", counts.cut, CUT)
        yield _counter("store_failures", "Writes that were refused", community.store.failures)
        yield _gauge("draining", "1 while nobody is let in", int(community.orders.is_draining))
        yield InfoMetricFamily("parley_build", "The program", value={"version": VERSION})

    def _announcements(self) -> Iterator[Metric]:
        announcements = self._community.sessions.announcements
        posts = self._community.counts.news_posts
        yield _counter("news_posts", "Writes of news to users", posts)
        yield _gauge("links_behind", "Connections that wait for news", len(announcements))
        yield _gauge("watched", "Names on all watchlists", announcements.watchlists.total)
        crowd = int(announcements.is_crowd)
        yield _gauge("crowd", "1 while users are told only of those whom they watch", crowd)

    def _users(self) -> Metric:
        statuses = Tally(user.status for user in self._community.registry.everybody())
        by_name = {status.value: statuses[status] for status in Status}
        return _gauges("users", "Users by status", "status", by_name)


def _gauge(name: str, help: str, value: float) -> Metric:
    return GaugeMetricFamily(f"parley_{name}", help, value=value)


def _gauges(name: str, help: str, label: str, values: dict[str, int]) -> Metric:
    family = GaugeMetricFamily(f"parley_{name}", help, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _counter(name: str, help: str, value: int) -> Metric:
    return CounterMetricFamily(f"parley_{name}", help, value=value)


def _counters(
    name: str, help: str, label: str, values: Tally[str], all_: tuple[str, ...]
) -> Metric:
    family = CounterMetricFamily(f"parley_{name}", help, labels=[label])
    for key in all_:  # also those that have not happened yet, so that a rate can be seen
        family.add_metric([key], values[key])
    return family


def _histogram(name: str, help: str, values: Histogram) -> Metric:
    return HistogramMetricFamily(
        f"parley_{name}", help, buckets=values.buckets(), sum_value=values.sum
    )
