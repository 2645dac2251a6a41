"""What routers answer to PCP and NAT-PMP."""

import struct
from typing import Final

NONCE: Final = bytes(range(12))
OWN: Final = "192.168.1.20"
PORT: Final = 40_112
V4: Final = bytes(10) + b"\xff\xff"  # in front of an IPv4 address in PCP
PUBLIC: Final = bytes([8, 8, 8, 8])
INSIDE: Final = bytes([100, 64, 3, 7])  # of a second router
UNKNOWN_VERSION: Final = bytes.fromhex("00 81 0001 00000001")  # a NAT-PMP router, to PCP


def pcp_answer(
    result: int = 0,
    lifetime: int = 3_600,
    external: int = 40_200,
    host: bytes = V4 + PUBLIC,
    nonce: bytes = NONCE,
    protocol: int = 6,
) -> bytes:
    head = bytes([2, 0x81, 0, result]) + lifetime.to_bytes(4, "big") + bytes(16)
    return head + nonce + struct.pack("!B3xHH", protocol, PORT, external) + host


def nat_pmp_mapped(external: int = 40_200, lifetime: int = 3_600) -> bytes:
    return bytes.fromhex("00 82 0000 00000001") + struct.pack("!HHI", PORT, external, lifetime)


def nat_pmp_address(host: bytes) -> bytes:
    return bytes.fromhex("00 80 0000 00000001") + host
