"""Perform what needs no directory: keep what a script writes, and look what keeps it away."""

from collections.abc import Collection, Sequence

from peer.commands import grammar as typed
from peer.commands.grammar import Command
from peer.core.backlog import Backlog
from peer.core.history_entry import Kind
from peer.results import Doctor
from peer.runtime.doctor.examiner import examine_alone
from peer.runtime.doctor.neighbourhood import Neighbourhood
from peer.runtime.doctor.probing import NOT_REGISTERED
from peer.runtime.mailbox.waiting_texts import late_of
from peer.storage.journal import Journal
from peer.storage.lines import Fate, KeptLine
from peer.storage.paths import KEY_FILE
from peer.storage.vault import Vault, open_key
from shared.errors import ParleyError, Refused, is_silence
from shared.identity import Identity, fingerprint
from shared.names import fold
from shared.running import while_it_runs
from shared.wording import clause
from shared.world import Address, World


async def keep_unregistered(
    world: World, name: str, directories: Sequence[Address], command: Command, vault: Vault
) -> str | None:
    """Keep the line or letter of this command; it is on disk when this returns.

    Return the receiver.  Return None if the command writes neither, or if this name was never
    registered at these directories: then the address may be wrong, and nobody would ever send it.

    Raise Refused when too much waits already, or somebody else has the data; StorageError.
    """
    world.disk.lock()
    try:
        journal = Journal(world.disk, vault=vault)
        communities = journal.communities
        authority = communities.authority_at_any(map(str, directories))
        is_member = authority is not None and communities.certificate(authority, name) is not None

        async def keep() -> str | None:
            return await _keep(world, journal, name, command) if is_member else None

        return await while_it_runs(journal.run, keep)
    finally:
        world.disk.unlock()


async def examine_unregistered(
    world: World, name: str, directories: Sequence[Address], vault: Vault, failure: ParleyError,
    *, known: Collection[str] | None,
) -> Doctor:  # fmt: skip
    """Perform DOCTOR after registering has failed.  Raises StorageError.

    `known`: the keys of my directories, for whose announcements to listen; None: for none.
    """
    content = world.disk.read(KEY_FILE)
    key = ""
    if content is not None:
        key = fingerprint(Identity(open_key(content, vault)).public)
    cause = clause(failure)
    is_refused = not is_silence(failure) or cause == NOT_REGISTERED
    neighbours = None if known is None else Neighbourhood()
    return await examine_alone(
        world, name, key, directories, cause,
        is_refused=is_refused, neighbours=neighbours, known=known or (),
    )  # fmt: skip


async def _keep(world: World, journal: Journal, name: str, command: Command) -> str | None:
    key_of = journal.contacts.key_of
    match command:
        case typed.Private(to, text):
            kind = Kind.PRIVATE
        case typed.Unknown(perhaps=typed.Private(to, text)) if key_of(to) is not None:
            kind = Kind.PRIVATE
        case typed.LeaveMessage(to, text):
            kind = Kind.LEFT
        case _:
            return None
    if fold(to) == fold(name):
        raise Refused("You can't write to yourself.", "SELF")
    line = KeptLine(kind, name, to, world.new_id(), world.clock.time(), text, Fate.PENDING)
    backlog = Backlog()
    for order, one in enumerate([*journal.lines.pending(), line]):
        (backlog.add if one is line else backlog.restore)(late_of(one, order))
    await journal.lines.keep([line])
    return to
