"""The tests, one folder for each room of the code."""

from pathlib import Path

TOP = Path(__file__).parent.parent
"""The root of the checkout."""
