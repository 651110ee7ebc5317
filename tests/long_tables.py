"""Marks cases that only `script/bench tables` runs: the middle of long tables, whose edges stay in `script/test`."""

from typing import Any

import pytest
from _pytest.mark import ParameterSet


def in_bench(*cases: Any) -> list[ParameterSet]:
    """Return cases for `pytest.mark.parametrize`; a case is a tuple of values, or one value."""
    mark = pytest.mark.long_table
    return [pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=mark) for case in cases]
