"""Find out what keeps others from reaching me."""
