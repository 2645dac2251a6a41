"""What waits at the directory: letters, copies and their receipts."""
