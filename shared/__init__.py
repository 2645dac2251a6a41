"""The language that the directory and the peers both speak."""
