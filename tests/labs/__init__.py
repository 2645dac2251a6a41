"""Real programs on hosts with firewalls and routers, for longer than a suite should take."""
