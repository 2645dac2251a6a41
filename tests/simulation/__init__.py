"""The network in a box: whole communities in which everything fails, and what must still hold.

`python -m tests.simulation --seeds 1000` runs more of them than the tests do;
`python -m tests.simulation.without` shows that no rule of the protocol can be left out.
"""
