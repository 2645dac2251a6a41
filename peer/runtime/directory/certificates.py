"""Recognise the directory of our community, and keep the certificate that it gives us."""

import logging
from collections.abc import Sequence
from typing import Final

import trio

from peer.core.myself import Myself
from peer.runtime.directory.directory_client import DirectoryClient
from peer.runtime.keys.known_keys import KnownKeys
from peer.storage.contacts import CommunityStore
from shared.errors import KeyChanged, ParleyError, ProtocolError, Unreachable
from shared.identity import (
    Credentials,
    authority_key,
    fingerprint,
    is_authority,
    is_half_over,
    read_certificate,
)
from shared.messages.directory import Renew, Renewed, Welcome
from shared.world import Address, World

LOOK_SECONDS: Final = 3_600.0  # between two looks; two weeks of the certificate are left then

log = logging.getLogger("peer")


class Certificates:
    def __init__(
        self, world: World, named: Sequence[Address], myself: Myself, known_keys: KnownKeys,
        communities: CommunityStore, *, expected_key: str | None = None,
        authority: bytes | None = None,
    ) -> None:  # fmt: skip
        """`named`: where the user says that directories of the community are.

        `expected_key`: the fingerprint that the user vouches for, whatever was remembered.
        `authority`: the one that must answer if none was met here before.
        """
        self._world, self._named, self._myself = world, named, myself
        self._known_keys, self._communities = known_keys, communities
        self._expected_key = expected_key and expected_key.replace(" ", "").lower()
        self._authority = communities.authority_at_any(map(str, named)) or authority
        self.first_seen = ""  #: the fingerprint of its key, if nobody has vouched for that yet

    # --- The directory's ---

    @property
    def key(self) -> str:
        """The fingerprint of our community's authority; "" if none is known."""
        return fingerprint(authority_key(self._authority)) if self._authority else ""

    def recall(self) -> bytes:
        """Set the community that is remembered for these addresses, if one is; return which."""
        if self._authority is not None:
            self._recall(self._authority)
        return self._authority or b""

    def recognise(self, certificate: bytes | None, authority: bytes, address: Address) -> None:
        """Check that the directory that answers here is of the community that we know.

        An address that the user has not named was a hint, and a wrong one is no reason for
        alarm: then this raises Unreachable, else KeyChanged.
        """
        check_directory(certificate, authority, self._world.clock.time())
        key = fingerprint(authority_key(authority))
        expected, known = self._expected_key, self._authority
        is_expected = expected in (None, key.replace(" ", ""))
        if address not in self._named:
            if authority != known or not is_expected:
                raise Unreachable(f"the directory at {address} is of another community: {key}")
        elif not is_expected:
            raise KeyChanged(f"The directory at {address} has another key: {key}.")
        elif expected is None and known is not None and known != authority:
            was = fingerprint(authority_key(known))
            raise KeyChanged(
                f"The key of the directory at {address} has changed. It was {was}, now it is"
                f" {key}. Someone may be impersonating it: check with its operator. Start once with"
                f' --directory-key "{key}" to accept the new key.'
            )
        elif expected is None and not self._communities.has_met(authority):
            self.first_seen = key
        if self._authority != authority:
            self._recall(authority)

    def _recall(self, authority: bytes) -> None:
        """Set our community, and show the certificate that it gave us, if it did."""
        self._authority = self._known_keys.authority = authority
        me = self._myself
        me.certificate = self._communities.certificate(authority, me.name) or b""
        if me.certificate:
            credentials = Credentials(me.identity.key, me.certificate, authority)
            self._world.network.present(credentials)

    # --- Mine ---

    @property
    def is_mine_known(self) -> bool:
        """Whether this community has given us a certificate for our name, however old."""
        return bool(self._myself.certificate)

    @property
    def is_mine_wanted(self) -> bool:
        """Whether I have no certificate, or half its time is over."""
        now = self._world.clock.time()
        if not self._myself.certificate:
            return True
        try:
            mine = read_certificate(self._myself.certificate, self._known_keys.authority, now)
            return is_half_over(mine, now)
        except ProtocolError:
            return True

    async def accept(self, welcome: Welcome, authority: bytes, address: Address) -> None:
        """Take the certificate of a WELCOME.  Raises ProtocolError if it is not mine."""
        if not self._myself.is_called(welcome.name):
            raise ProtocolError("the directory calls me by another name")
        certificate = welcome.certificate or self._myself.certificate
        self._check_mine(certificate, welcome.name, authority)
        self._myself.registration.name = welcome.name
        if welcome.certificate:
            await self._take(certificate, welcome.name, authority)
        if address in self._named:
            await self._remember(authority, address)

    async def _remember(self, authority: bytes, here: Address) -> None:
        """Remember that this authority answers here.

        A key that the user has vouched for replaces the former one at all addresses.
        """
        for address in self._named:
            met = self._communities.authority_at(str(address))
            is_replaced = met is not None and self._expected_key is not None
            if met != authority and (address == here or is_replaced):
                await self._communities.remember(str(address), authority)

    async def renew(self, directory: DirectoryClient) -> None:
        """Ask for a new certificate, and show it on every new link.

        Raises Refused, Unreachable or ProtocolError.
        """
        name, authority = self._myself.name, self._known_keys.authority
        request = self._myself.identity.request(name)
        renewed = await directory.ask(lambda id: Renew(id, request), Renewed)
        self._check_mine(renewed.certificate, name, authority)
        await self._take(renewed.certificate, name, authority)

    def _check_mine(self, certificate: bytes, name: str, authority: bytes) -> None:
        """Raise ProtocolError unless the certificate is ours."""
        subject = read_certificate(certificate, authority, self._world.clock.time())
        if (subject.name, subject.key) != (name, self._myself.key):
            raise ProtocolError("the directory sent somebody else's certificate")

    async def _take(self, certificate: bytes, name: str, authority: bytes) -> None:
        await self._communities.keep_certificate(authority, name, certificate)
        self._recall(authority)


async def stay_certified(certificates: Certificates, directory: DirectoryClient) -> None:
    """Renew my certificate when half its time is over and the directory is there.

    However long this program stays connected.  Run until cancelled.  A failure is retried
    at the next look: there is time.
    """
    while True:
        await trio.sleep(LOOK_SECONDS)
        if directory.is_there and certificates.is_mine_wanted:
            try:
                await certificates.renew(directory)
            except ParleyError as failure:
                log.warning("my certificate was not renewed: %s", failure)


def check_directory(certificate: bytes | None, authority: bytes, now: float) -> None:
    """Raise ProtocolError unless this certificate is of a directory of this authority."""
    if not is_authority(authority) or certificate is None:
        raise ProtocolError("this is no directory")
    if read_certificate(certificate, authority, now).name is not None:
        raise ProtocolError("a user poses as the directory")
