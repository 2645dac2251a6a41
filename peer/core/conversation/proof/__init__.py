"""What members prove to each other: who said what, and the same to all."""
