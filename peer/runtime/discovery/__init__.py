"""Look for directories on the local network, and let them prove their keys."""
