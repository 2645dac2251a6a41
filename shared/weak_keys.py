"""Public keys of small order, which belong to nobody.

Under a small-order Ed25519 key one signature fits every statement, so anybody can
speak for it; with a small-order X25519 key every exchange gives the same secret.  No
honest program makes one.  Other encodings of the same points (not reduced modulo p) are
refused with them: to us a key is its 32 bytes (RFC 8032, 5.1.3; RFC 7748, 6.1).
"""

_P = 2**255 - 19
_BELOW_SIGN = 2**255 - 1  # the top bit: the sign of x for Ed25519, ignored by X25519

_SMALL_Y = frozenset(  # of the eight points of small order, whatever the sign of x
    {
        0,
        1,
        _P - 1,
        0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
    }
)
_SMALL_U = frozenset(  # of the points of small order, on the curve and on its twist
    {
        0,
        1,
        _P - 1,
        0x00B8495F16056286FDB1329CEB8D09DA6AC49FF1FAE35616AEB8413B7C7AEBE0,
        0x57119FD0DD4E22D8868E1C58C45C44045BEF839C55B1D0B1248C50A3BC959C5F,
    }
)


def is_weak_signing_key(key: bytes) -> bool:
    """Return whether this raw Ed25519 key is of small order, or not in its one encoding."""
    return _is_weak(key, _SMALL_Y)


def is_weak_sealing_key(key: bytes) -> bool:
    """Return whether this raw X25519 key is of small order, or not in its one encoding."""
    return _is_weak(key, _SMALL_U) or key[-1:] > b"\x7f"


def _is_weak(key: bytes, small: frozenset[int]) -> bool:
    coordinate = int.from_bytes(key, "little") & _BELOW_SIGN
    return coordinate >= _P or coordinate in small
