"""Keys of others: how they are shown, compared and warned about."""
