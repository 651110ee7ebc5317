"""Tells the story and writes the examples: `python -m tests.origin.examples`."""

import asyncio
import json
from pathlib import Path
from tempfile import TemporaryDirectory

from sync.origin.api.monitoring import EXAMPLES
from tests.origin.examples.story import tell

if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        told = asyncio.run(tell(Path(folder)))
    EXAMPLES.write_text(json.dumps(told, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
