"""Every message on the wire, one struct each; its tag is its name on the wire.

One message is one JSON object on one line.  There are three languages: what a peer says to
the directory (`ToDirectory`), what the directory says to a peer (`FromDirectory`), and what
two peers say to each other (`BetweenPeers`).  A request carries `id`, its answer carries the
same number as `re`.  Bytes travel as base64, times as seconds since 1970 (UTC).
"""
