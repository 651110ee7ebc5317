"""Draws the layers sample media is made of: gradients, hills, glows and lettering, with Pillow alone."""

import math
from random import Random

from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps

Size = tuple[int, int]
CLEAR = (0, 0, 0, 0)


def gradient(size: Size, top: str, middle: str, bottom: str) -> Image.Image:
    """Return a vertical blend of three colours."""
    ramp = Image.linear_gradient("L").resize(size, Image.Resampling.BICUBIC)
    return ImageOps.colorize(ramp, top, bottom, middle).convert("RGBA")


def glow(diameter: int, colour: str, strength: int = 255) -> Image.Image:
    """Return a soft disc of light on nothing."""
    falloff = ImageOps.invert(Image.radial_gradient("L")).resize((diameter, diameter), Image.Resampling.BICUBIC)
    # A radial gradient only reaches black at the corners of its square: bring it to nothing at the rim.
    mask = falloff.point(lambda light: max(0, int((light - 74) * strength / 181)))
    layer = Image.new("RGBA", (diameter, diameter), colour)
    layer.putalpha(mask)
    return layer


def disc(diameter: int, colour: str) -> Image.Image:
    """Return a clean-edged disc."""
    layer = Image.new("RGBA", (diameter * 2, diameter * 2), CLEAR)
    ImageDraw.Draw(layer).ellipse((2, 2, diameter * 2 - 3, diameter * 2 - 3), fill=colour)
    return layer.resize((diameter, diameter), Image.Resampling.LANCZOS)


def mug(body: str, inside: str, handle: str) -> Image.Image:
    """Return a cup for a 480x480 frame."""
    layer = Image.new("RGBA", (960, 960), CLEAR)
    pen = ImageDraw.Draw(layer)
    pen.ellipse((560, 560, 760, 760), outline=handle, width=36)
    pen.rounded_rectangle((260, 520, 630, 860), radius=120, fill=body)
    pen.rectangle((260, 520, 630, 660), fill=body)
    pen.ellipse((260, 480, 630, 570), fill=handle)
    pen.ellipse((284, 494, 606, 558), fill=inside)
    return layer.resize((480, 480), Image.Resampling.LANCZOS)


def hills(size: Size, colour: str, horizon: float, seed: int, waves: int = 3) -> Image.Image:
    """Return a rolling line filled downwards; it repeats after its width, so it can slide for ever."""
    width, height = size
    rng = Random(seed)
    parts = [(n, rng.uniform(0, math.tau), rng.uniform(0.5, 1.0) / n) for n in range(1, waves + 1)]
    line = [
        (x, height * horizon + height * 0.09 * sum(a * math.sin(math.tau * n * x / width + p) for n, p, a in parts))
        for x in range(width + 1)
    ]
    layer = Image.new("RGBA", size, CLEAR)
    ImageDraw.Draw(layer).polygon([*line, (width, height), (0, height)], fill=colour)
    return layer


def bokeh(size: Size, colours: tuple[str, ...], count: int, seed: int) -> Image.Image:
    """Return soft circles of light scattered on nothing."""
    rng = Random(seed)
    layer = Image.new("RGBA", size, CLEAR)
    for _ in range(count):
        diameter = int(size[1] * rng.uniform(0.05, 0.28))
        light = disc(diameter, rng.choice(colours))
        strength = rng.uniform(0.12, 0.5)
        light.putalpha(light.getchannel("A").point([int(alpha * strength) for alpha in range(256)]))
        layer.alpha_composite(light, (rng.randrange(max(1, size[0] - diameter)), rng.randrange(size[1] - diameter)))
    return layer.filter(ImageFilter.GaussianBlur(size[1] / 160))


def lettering(size: Size, lines: tuple[tuple[str, float, str], ...], *, left: float | None = None) -> Image.Image:
    """Return lines of (text, height as a share of the frame, colour), centred in `size` or set from `left`."""
    width, height = size
    layer = Image.new("RGBA", size, CLEAR)
    pen = ImageDraw.Draw(layer)
    total = sum(share * height * 1.25 for _, share, _ in lines)
    y = (height - total) / 2
    for text, share, colour in lines:
        font = ImageFont.load_default(share * height)
        length = pen.textlength(text, font=font)
        pen.text(((width - length) / 2 if left is None else left * width, y), text, fill=colour, font=font)
        y += share * height * 1.25
    shadow = Image.new("RGBA", size, (0, 0, 0, 0))
    shadow.putalpha(layer.getchannel("A").filter(ImageFilter.GaussianBlur(height / 90)).point(lambda a: int(a * 0.55)))
    return Image.alpha_composite(shadow, layer)


def stacked(*layers: Image.Image) -> Image.Image:
    """Lay layers of one size over each other."""
    whole = layers[0].copy()
    for layer in layers[1:]:
        whole.alpha_composite(layer)
    return whole


def placed(size: Size, layer: Image.Image, x: float, y: float) -> Image.Image:
    """Return `layer` centred at the shares `x`, `y` of an empty frame."""
    frame = Image.new("RGBA", size, CLEAR)
    frame.paste(layer, (int(size[0] * x - layer.width / 2), int(size[1] * y - layer.height / 2)))
    return frame
