"""A directory whose keeper says, under an honest name, another key than its owner's."""

from shared.identity import Credentials, Identity, issue_for_user
from tests.kit.community import Community


def says_another_key(community: Community, name: str, other: Identity) -> None:
    """From now on the directory gives this key for that name to whoever asks."""
    directory = community.directory._directory
    assert directory is not None
    user = directory._community.registry.look_up(name)
    user.key = other.public
    user.sealing_key, user.sealing_proof = other.sealing_public, other.sealing_proof()


def certificate(community: Community, name: str, other: Identity, now: float) -> Credentials:
    """A second one for that name, good for whoever trusts this directory."""
    directory = community.directory._directory
    assert directory is not None
    authority = directory._community.authority
    leaf = issue_for_user(authority.certificate, authority._key, name, other.public, now)
    return Credentials(other.key, leaf, authority.certificate)
