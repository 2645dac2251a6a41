"""One user's program; `peer.api` is for programs that talk through it."""
