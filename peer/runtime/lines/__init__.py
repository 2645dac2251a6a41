"""Send and show single lines: private ones, and those to everybody."""
