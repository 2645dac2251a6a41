"""Attackers play in the same communities and towns as everybody else."""

from tests.directory_server.conftest import town
from tests.peer.conftest import community, pytest_collection_modifyitems

__all__ = ["community", "pytest_collection_modifyitems", "town"]
