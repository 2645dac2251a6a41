"""Announce directories that are somewhere else, or nowhere, until killed.

python -m tests.kit.false_announcer HOST KEY COUNT: as lab-0, lab-1 ... at ports from 5000 on.
"""

import asyncio
import sys

from zeroconf import ServiceInfo
from zeroconf.asyncio import AsyncZeroconf

from shared.announcement import SERVICE, texts

PAUSE = 0.3  # seconds


async def main(host: str, key: str, count: int) -> None:
    async with AsyncZeroconf(interfaces=[host]) as speaker:
        await speaker.zeroconf.async_wait_for_start()
        said = [
            ServiceInfo(
                SERVICE, f"lab-{number}.{SERVICE}", port=5000 + number,
                properties=texts(key, needs_token=False), server=f"false-{number}.local.",
                parsed_addresses=[host],
            )
            for number in range(count)
        ]  # fmt: skip
        print("announced", flush=True)
        while True:  # unasked, and again and again
            for one in said:
                speaker.zeroconf.async_send(speaker.zeroconf.generate_service_broadcast(one, None))
            await asyncio.sleep(PAUSE)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
