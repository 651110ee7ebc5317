"""The pictures that the player draws itself."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from player.display.backdrop_pictures import RawPicture, brand_picture, encode_png, owner_picture, pairing_picture
from sync.errors import MediaUnplayable


def _decode(raw: RawPicture) -> Image.Image:
    return Image.open(BytesIO(encode_png(raw)))


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1080, 1920), (320, 200), (3840, 2160), (1, 1)])
def test_the_brand_picture_has_the_size_of_the_screen_and_is_not_black(width: int, height: int) -> None:
    picture = brand_picture(width, height, title="A shop")
    assert (picture.width, picture.height, len(picture.bgrx)) == (width, height, width * height * 4)
    darkest = _decode(picture).convert("L").getextrema()[0]
    assert isinstance(darkest, int | float) and darkest > 8


def test_the_same_values_give_the_same_pixels() -> None:
    assert brand_picture(640, 360, title="A") == brand_picture(640, 360, title="A")
    assert brand_picture(640, 360, title="A") != brand_picture(640, 360, title="B")


def test_a_pairing_card_differs_by_its_code() -> None:
    cards = [pairing_picture(640, 360, code=code, name="Window", origin="https://o.example") for code in ("111", "222")]
    assert cards[0] != cards[1]


def test_a_long_title_stays_inside_the_picture() -> None:
    picture = _decode(brand_picture(640, 360, title="x" * 400)).convert("RGB")
    plain = _decode(brand_picture(640, 360)).convert("RGB")
    assert [picture.getpixel((0, y)) for y in range(360)] == [plain.getpixel((0, y)) for y in range(360)]


def test_the_owners_picture_is_fitted_on_the_background(tmp_path: Path) -> None:
    path = tmp_path / "mine"
    Image.new("RGB", (200, 100), (255, 0, 0)).save(path, "PNG")
    picture = _decode(owner_picture(path, 400, 400, background="#0000ff"))
    assert picture.getpixel((200, 200)) == (255, 0, 0)
    assert picture.getpixel((200, 20)) == (0, 0, 255)


@pytest.mark.parametrize("content", [b"", b"junk", b"\x89PNG\r\n\x1a\n" + b"0" * 50])
def test_a_broken_picture_of_the_owner_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken"
    path.write_bytes(content)
    with pytest.raises(MediaUnplayable, match="broken"):
        owner_picture(path, 320, 200)
    with pytest.raises(MediaUnplayable):
        owner_picture(tmp_path / "missing", 320, 200)
