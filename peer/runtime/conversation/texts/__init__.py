"""The ways of texts: to members, to the screen, to the disk, and from it."""
