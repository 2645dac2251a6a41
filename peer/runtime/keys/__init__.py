"""Know whose key a name has, and compare keys by words."""
