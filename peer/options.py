"""The options of a peer: what its user chose at the start."""

from msgspec import Struct

from peer.storage.vault import CLEAR, Vault


class Options(Struct, frozen=True):
    listen: int = 0  #: the port to listen on, 0 for a random one
    advertise_host: str = ""  #: told to others instead of what the directory sees
    advertise_port: int = 0
    maps_port: bool = True  #: ask the router for a port, if one translates our address
    token: str = ""  #: for a directory with --register-only-with
    directory_key: str | None = None  #: the fingerprint that the user vouches for
    authority: bytes | None = None  #: of the directory, when it has moved to another address
    keeps_history: bool = True  #: else texts are kept until delivered, older ones forgotten
    vault: Vault = CLEAR  #: seals the key and all texts on their way to the disk
    looks_back: bool = False  #: a start shows the last texts, and where the unread ones begin
    waits: bool = False  #: a directory that we know and that does not answer is tried again
    is_passing: bool = False  #: here for one command only: asks nobody, fetches no mail
    listens_around: bool = False  #: DOCTOR may listen for announcements on the local network
    examines: bool = False  #: that command is DOCTOR, which asks the router all the same
