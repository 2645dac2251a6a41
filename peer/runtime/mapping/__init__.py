"""Keep a port of the router that leads to me."""
