"""The database of a new origin as a file to be copied: to make all tables takes 30 ms, which most tests can spare."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import create_engine

from sync.origin.persistence.schema_upgrade import bring_up_to_date


def lay_database(folder: Path) -> None:
    """Put an empty database into a data folder, unless there is one or no folder yet."""
    path = folder / "origin.db"
    if folder.is_dir() and not path.exists():
        path.write_bytes(_empty_database())


@cache
def _empty_database() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder, "origin.db")
        engine = create_engine(f"sqlite:///{path}")
        with engine.begin() as connection:
            bring_up_to_date(connection)
        engine.dispose()
        return path.read_bytes()
