"""Run the tasks of a peer, which perform what the cores decide."""
