"""The directory: who is registered, where, and in what status; and a mailbox for the absent."""
