"""A player that prints which take is on air and waits to be killed; run by `test_ledger`."""

import asyncio
import sys
from pathlib import Path

from tests.player.director.venue import item, open_world, playlist, release


async def main(path: Path) -> None:
    async with open_world(path) as world:
        world.publish(release(playlist("loop", item("red"))))
        async with world.running():
            await world.advance(17)
            sys.stdout.write(f"{world.director.now().take}\n")
            sys.stdout.flush()
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
