"""Check the proofs of a registration (IAM), without knowing who is registered."""

import re
from dataclasses import dataclass
from typing import Final

from directory_server.core.authority import Authority
from shared.errors import ProtocolError, Refused
from shared.identity import check_registration_proof, check_sealing_proof
from shared.messages.common import VERSION, Status
from shared.messages.directory import Iam
from shared.names import check_name

_HOST: Final = re.compile(r"[A-Za-z0-9._:%-]*\Z")  # a name, an IPv4 or an IPv6 address


@dataclass(frozen=True)
class Visitor:
    """The other side of a link that has not yet proved who it is."""

    host: str
    nonce: bytes  # that we sent
    certificate: bytes | None  # whose key the other side proved to own


def check_iam(iam: Iam, visitor: Visitor, authority: Authority, now: float) -> None:
    """Raise Refused, with the reason, unless the visitor is who the IAM claims."""
    if iam.version != VERSION:
        raise Refused(
            f"this directory speaks version {VERSION} of the protocol, your program"
            f" version {iam.version}",
            "VERSION",
        )
    check_name(iam.name)
    if iam.status is Status.OFFLINE:
        raise Refused("nobody can register as OFFLINE")
    if not _HOST.match(iam.host):
        raise Refused("the advertised host is neither a name nor an address")
    if visitor.certificate is not None:
        authority.check_certificate(visitor.certificate, iam.name, iam.key, now)
    try:
        check_registration_proof(
            iam.key,
            iam.proof,
            authority=authority.certificate,
            nonce=visitor.nonce,
            name=iam.name,
        )
    except ProtocolError:
        raise Refused("the proof that you own your key does not fit", "KEY") from None


def check_here(
    visitor: Visitor, *, name: str, key: bytes, authority: Authority, now: float
) -> None:
    """Raise Refused unless the visitor has proved to own the key with which this name registered.

    The handshake of the connection proves it: HERE carries no signature.
    """
    if visitor.certificate is None:
        raise Refused("HERE needs a certificate", "KEY")
    authority.check_certificate(visitor.certificate, name, key, now)


def check_sealing(iam: Iam) -> None:
    """Raise Refused unless the user's key has signed the sealing key."""
    try:
        check_sealing_proof(iam.key, iam.sealing_key, iam.sealing_proof)
    except ProtocolError:
        raise Refused("the proof that you own your sealing key does not fit", "KEY") from None
