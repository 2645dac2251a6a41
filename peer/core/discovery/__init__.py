"""Find the directory on the local network: what is heard, and which one is mine."""
