"""Links to other peers: who dials, who answers, and which one is kept of two."""
