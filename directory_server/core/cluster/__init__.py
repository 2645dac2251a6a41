"""Several directories on one database: what they decide about each other."""
