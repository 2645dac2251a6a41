"""Who is where, who may be dialled, and when to try again."""
