"""Ask the router for a port that leads to me: what is said, and when."""
