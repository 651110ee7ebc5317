"""The picture tool sets limits of Pillow for its own process; tests that call it in theirs put them back."""

import pytest
from PIL import Image, PngImagePlugin


@pytest.fixture(autouse=True)
def _limits_of_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
    monkeypatch.setattr(PngImagePlugin, "MAX_TEXT_CHUNK", PngImagePlugin.MAX_TEXT_CHUNK)
