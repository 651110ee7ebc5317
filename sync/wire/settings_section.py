"""What the settings of device and origin share: the base of their sections, and the section of the log.

A string below a field describes it. `script/reference` writes these strings into the documentation and into the example
files in `config/`.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

SHORTEST_ENROLMENT_KEY = 16
"""Letters: who gets the proof of a shorter key could try all keys until one fits."""


class Section(BaseModel):
    """One table of a settings file. An unknown field is an error that names it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LoggingSettings(Section):
    """The log, which goes to the journal."""

    level: Annotated[str, Field(pattern="^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"
    """DEBUG, INFO, WARNING or ERROR."""
