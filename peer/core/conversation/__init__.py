"""One conversation, as one of its members sees it."""
