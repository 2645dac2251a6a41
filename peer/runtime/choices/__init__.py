"""The choices of my user about others: whom to ignore, whom to watch, which places are quiet."""
