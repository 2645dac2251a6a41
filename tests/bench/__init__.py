"""How fast it is: `python -m tests.bench`.  Ratios count, because machines are noisy."""
