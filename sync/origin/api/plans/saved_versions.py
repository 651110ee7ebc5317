"""Parameters of what saves and what reads a plan: as a draft or ready, the newest version or the ready one."""

from typing import Literal

from pydantic import Field

from sync.origin.api.lists import SpaceQuery
from sync.wire.value_types import Request


class SavedAs(Request):
    """Whether it stays a draft. The guard of the origin reads it for all that saves (`sync.origin.http.auth`)."""

    draft: bool = Field(False, description="it stays a draft, though who saves it may publish it")


class SavedNew(SavedAs, SpaceQuery):
    """Whether what is new stays a draft, and in which space it is to lie."""


class WhichVersion(Request):
    """Which version is read."""

    version: Literal["ready"] | None = Field(None, description="the version that releases are made of")
