"""Several directories on one machine, behind one port."""
