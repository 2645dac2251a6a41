"""Logging, limits and signals around a Directory."""

import argparse
import gc
import logging
import resource
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import trio

from directory_server.admin.http import Pages
from directory_server.admin.operator import Operator, Running
from directory_server.admin.service import AdminService
from directory_server.core.addresses import is_loopback
from directory_server.inherited_sockets import inherited_listeners
from directory_server.operator_requests import forget, list_names
from directory_server.output import has_terminal, say
from directory_server.places import folder_of
from directory_server.reread import Read, name_those_that_wait, reread
from directory_server.server import Bound, Directory
from directory_server.service_manager import tell_manager
from directory_server.settings import Settings
from directory_server.storage.transfer import fill_store
from directory_server.workers.options import Options
from directory_server.workers.parent import Workers
from shared.arguments import USAGE_ERROR
from shared.border import border
from shared.clean import on_one_line
from shared.errors import ParleyError, Refused
from shared.log import log_to_stderr
from shared.process import open_standard_files, write_out
from shared.real import real_world
from shared.wire import address, why_not_heard
from shared.wording import system_reason

log = logging.getLogger(__name__)

OPEN: Final = (
    "Everybody who reaches this machine may register: --register-only-with TOKEN asks for a token."
)
SPARE_FILES: Final = 128  # that the process needs for purposes other than connections
MOST_CONNECTIONS: Final = 100_000

# Python collects garbage after this many new objects, this many young collections, and
# this many middle ones.  Its defaults are for small programs: with thousands of users
# they took a sixth of our time.
LOOK_FOR_GARBAGE_AFTER: Final = (20_000, 10, 10)


Place = tuple[str, int]


def run(arguments: argparse.Namespace, read: Read) -> int:
    """Run the program; return its exit code.

    It is 0 after a signal, 2 if it could not start, or that of a worker that was never ready.
    """
    open_standard_files()
    gc.set_threshold(*LOOK_FOR_GARBAGE_AFTER)
    form = "%(asctime)s %(levelname)s %(message)s"
    log_to_stderr(_level(arguments), form, as_json=arguments.log_format == "json")
    folder = folder_of(arguments.data)
    if arguments.list or arguments.forget or arguments.fill_store:
        return trio.run(_operate, folder, arguments)
    if arguments.workers > 1:
        return trio.run(_keep_workers, folder, arguments, read)
    settings = _settings(arguments, _connections())
    return trio.run(_serve, folder, settings, arguments, read)


async def _keep_workers(folder: Path, arguments: argparse.Namespace, read: Read) -> int:
    workers = Workers(sys.argv[1:], folder, Options(arguments, read))
    try:
        return await workers.run(arguments.host, arguments.port)
    except ParleyError as error:
        return _complain(error)


def _level(arguments: argparse.Namespace) -> int:
    return logging.INFO if arguments.verbose else logging.WARNING


def _settings(arguments: argparse.Namespace, connections: int) -> Settings:
    return Settings(
        host=arguments.host,
        port=arguments.port,
        idle_after=arguments.idle_after,
        one_per_address=arguments.one_per_address,
        token=arguments.register_only_with,
        is_closed=arguments.closed,
        names_per_address=arguments.names_per_address,
        store=arguments.store,
        address=arguments.address,
        store_sync=arguments.store_sync,
        mail_mib=arguments.mail_mib,
        found_anew=arguments.found_anew,
        connections=connections,
    )


def _connections() -> int:
    """Return how many connections the system allows this process."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most == resource.RLIM_INFINITY:
        most = MOST_CONNECTIONS
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return max(SPARE_FILES, min(most, MOST_CONNECTIONS) - SPARE_FILES)


async def _serve(
    folder: Path, settings: Settings, arguments: argparse.Namespace, read: Read
) -> int:
    """Run the nursery of the whole program; return after SIGINT or SIGTERM."""
    try:
        inherited = inherited_listeners(settings.port)
    except ParleyError as error:
        return _complain(error)
    directory = Directory(real_world(folder, inherited), settings)
    code = 0  # also if a second signal ends all of it at once
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
        async with trio.open_nursery() as obeying:
            reread = partial(_read_anew, directory, arguments, read)
            obeying.start_soon(_obey, signals, directory, reread, obeying.cancel_scope)
            code = await _serve_until_stopped(directory, folder, settings, arguments)
            obeying.cancel_scope.cancel()
    return code


async def _serve_until_stopped(
    directory: Directory, folder: Path, settings: Settings, arguments: argparse.Namespace
) -> int:
    try:
        listeners = await _listen_for_metrics(arguments.metrics)
    except ParleyError as error:
        return _complain(error)
    async with trio.open_nursery() as nursery:

        async def live(task_status: trio.TaskStatus[Bound]) -> None:
            await directory.run(task_status=task_status)
            nursery.cancel_scope.cancel()

        try:
            bound = await nursery.start(live)
        except ParleyError as error:
            return _complain(error)
        await _hear_the_operator(nursery, directory, bound, folder)
        if listeners:
            await nursery.start(_pages(directory).run, listeners)
        gc.freeze()  # objects that exist by now stay
        kept = directory.community.store.where
        lines = [*_greeting(bound, folder, settings, kept), *map(_page_of, listeners)]
        say("\n".join([*lines, ""]))
        tell_manager("READY=1", f"STATUS=Listening on {bound.address}")
        if not arguments.no_announce:
            nursery.start_soon(_announce, directory, bound, arguments.name)
    return 0


async def _listen_for_metrics(place: Place | None) -> list[trio.SocketListener]:
    """Listen for who wants to see the metrics.  Raises Refused."""
    if place is None:
        return []
    try:
        import prometheus_client  # noqa: F401, PLC0415  # only who wants metrics has it
    except ImportError:
        why = '--metrics needs prometheus_client: pip install "parley-chat[ops]"'
        raise Refused(why, "USAGE") from None
    host, port = place
    try:
        return await trio.open_tcp_listeners(port, host=host)
    except OSError as error:
        raise Refused(f"--metrics: {why_not_heard(error, host, port, 'directory')}") from None


def _pages(directory: Directory) -> Pages:
    from directory_server.admin.metrics import Metrics  # noqa: PLC0415  # see above

    community = directory.community
    metrics = Metrics(community, lambda: directory.strangers)
    return Pages(community, metrics.page, community.world.bugs)


def _page_of(listener: trio.SocketListener) -> str:
    return f"Metrics at http://{address(listener.socket.getsockname())}/metrics"


async def _hear_the_operator(
    nursery: trio.Nursery, directory: Directory, bound: Bound, folder: Path
) -> None:
    running = Running(
        bound,
        since=trio.current_time(),
        strangers=lambda: directory.strangers,
        stop=directory.stop,
        spawn=nursery.start_soon,
    )
    operator = Operator(directory.community, running)
    service = AdminService(folder, operator.perform, directory.community.world.bugs)
    try:
        await nursery.start(service.run)
    except OSError as error:
        log.warning("dirserver admin cannot ask: %s", system_reason(error))


async def _announce(directory: Directory, bound: Bound, name: str | None) -> None:
    """Announce the directory on this network, unless only this machine reaches it."""
    hosts = [one.host for one in bound.addresses]
    if all(map(is_loopback, hosts)):
        return
    from directory_server.announcer import (  # noqa: PLC0415  # 40 ms, for who announces
        Announced,
        Announcer,
        usual_name,
    )

    world = directory.community.world
    mark = world.chance.randbytes(4).hex()
    what = Announced(name or usual_name(), bound.fingerprint, hosts, bound.address.port, mark)
    with border("mDNS", world.bugs):
        await Announcer(what, lambda: directory.needs_token, _Printed()).run()


class _Printed:
    def announced(self, name: str) -> None:
        say(f'Announced on this network as "{on_one_line(name)}": peer NAME finds it here.\n')


def _greeting(bound: Bound, folder: Path, settings: Settings, kept: str) -> Iterator[str]:
    """Yield the lines printed at the start; scripts wait for the first one.

    `kept`: where names and mail are.
    """
    addresses = " and ".join(map(str, bound.addresses))
    yield f"Directory listening on {addresses}, key {bound.fingerprint}"
    if bound.is_new:
        yield f"Founded a new community in {folder}."
    if settings.store is not None:
        yield f"Names and mail are in {kept}."
    yield f"Give to your users: {bound.join_line()}"
    if _is_open(settings):
        yield OPEN


async def _operate(folder: Path, arguments: argparse.Namespace) -> int:
    """List, forget or move names, and end."""
    world, settings = real_world(folder), _settings(arguments, 0)
    lines: Iterable[str]
    try:
        if arguments.fill_store:
            lines = [await fill_store(world, settings, arguments.store)]
        elif arguments.forget:
            lines = await forget(world, settings, arguments.forget, free=arguments.free)
        else:
            lines = await list_names(world, settings)
        for line in lines:
            write_out(f"{line}\n")
    except ParleyError as error:
        return _complain(error)
    return 0


def _complain(error: ParleyError) -> int:
    print(f"dirserver: {on_one_line(str(error))}", file=sys.stderr)
    return USAGE_ERROR


def _is_open(settings: Settings) -> bool:
    """Whether others than this machine's users may register without a token."""
    needs_token = settings.token is not None or settings.is_closed
    return not needs_token and not _is_only_for_this_machine(settings.host)


def _is_only_for_this_machine(host: str | None) -> bool:
    return host is not None and (host == "localhost" or is_loopback(host))


async def _obey(
    signals: AsyncIterator[int],
    directory: Directory,
    reread: Callable[[], None],
    everything: trio.CancelScope,
) -> None:
    """Stop politely at the first signal, at once at the second; SIGHUP reads the options anew.

    A SIGHUP of a terminal that was closed ends the directory, as it ends other programs.
    """
    stopping, is_at_terminal = False, has_terminal()
    async for number in signals:
        if number == signal.SIGHUP and not is_at_terminal:
            reread()
        elif stopping:
            everything.cancel()
        else:
            stopping = True
            tell_manager("STOPPING=1")
            directory.stop()


def _read_anew(directory: Directory, before: argparse.Namespace, read: Read) -> None:
    """Take over the options that may change while the directory runs; name the others.

    `before`: the options at the start.
    """
    arguments = reread(read)
    if arguments is None:
        return
    directory.apply(lambda connections: _settings(arguments, connections))
    logging.getLogger().setLevel(_level(arguments))
    log.warning("the options are read anew")
    name_those_that_wait(before, arguments)
    if _is_open(_settings(arguments, 0)):
        log.warning("%s", OPEN)
