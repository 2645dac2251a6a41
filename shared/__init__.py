"""The language that the directory and the peers share."""
