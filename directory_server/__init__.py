"""The directory: who is registered, where, and in what status; and mailboxes for absent users."""
