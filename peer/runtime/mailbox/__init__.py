"""Leave and take letters, copies and their receipts, which wait at the directory."""
