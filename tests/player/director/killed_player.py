"""A player that says which take is on air, and waits to be killed: run by `test_ledger`."""

import asyncio
import sys
from pathlib import Path

from tests.player.director.venue import a_world, item, playlist, release


async def main(path: Path) -> None:
    async with a_world(path) as world:
        world.publish(release(playlist("loop", item("red"))))
        async with world.running():
            await world.after(17)
            sys.stdout.write(f"{world.director.now().take}\n")
            sys.stdout.flush()
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
