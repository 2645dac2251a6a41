"""A directory whose keeper announces another key under an honest name."""

from directory_server.core.registry import User
from shared.identity import Credentials, Identity, issue_for_user
from tests.kit.community import Community


def says_another_key(community: Community, name: str, other: Identity) -> None:
    """Let the directory answer with this key for that name from now on."""
    user = _user(community, name)
    user.key = other.public
    user.sealing_key, user.sealing_proof = other.sealing_public, other.sealing_proof()


def says_raw_key(community: Community, name: str, key: bytes) -> None:
    """Let the directory answer with this signing key, whoever owns it; the rest stays."""
    _user(community, name).key = key


def certificate(community: Community, name: str, other: Identity, now: float) -> Credentials:
    """Return another key's certificate for that name, valid to all who trust the directory."""
    directory = community.directory._directory
    assert directory is not None
    authority = directory._community.authority
    leaf = issue_for_user(authority.certificate, authority._key, name, other.public, now)
    return Credentials(other.key, leaf, authority.certificate)


def _user(community: Community, name: str) -> User:
    directory = community.directory._directory
    assert directory is not None
    return directory._community.registry.look_up(name)
