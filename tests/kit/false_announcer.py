"""Announce directories that are somewhere else, or nowhere, until killed.

python -m tests.kit.false_announcer HOST KEY COUNT: as lab-0, lab-1 ... at ports from 5000 on.
"""

import asyncio
import sys

from zeroconf import ServiceInfo
from zeroconf.asyncio import AsyncZeroconf

from shared.announcement import SERVICE, texts


async def main(host: str, key: str, count: int) -> None:
    async with AsyncZeroconf(interfaces=[host]) as speaker:
        await speaker.zeroconf.async_wait_for_start()
        for number in range(count):
            one = ServiceInfo(
                SERVICE, f"lab-{number}.{SERVICE}", port=5000 + number,
                properties=texts(key, needs_token=False), server=f"false-{number}.local.",
                parsed_addresses=[host],
            )  # fmt: skip
            speaker.zeroconf.registry.async_add(one)  # who is false does not ask first
        print("announced", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
