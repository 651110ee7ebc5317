"""Makes the sample media of the demo: a small café's week and the ads of two rival drinks, each in another format."""

import math
import subprocess
from collections.abc import Callable
from pathlib import Path

from drawing import bokeh, disc, glow, gradient, hills, lettering, mug, placed, stacked
from PIL import Image

CREAM, INK, SUN, WHITE = "#fff4e0", "#2b1d2e", "#ffd27d", "#ffffff"


def make_all(folder: Path, report: Callable[[str], None]) -> None:
    """Make every file that is not there yet; each appears whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in MEDIA.items():
        if not (folder / name).exists():
            report(name)
            work = folder / f".making-{name}"
            work.mkdir(exist_ok=True)
            make(work / name, work)
            (work / name).rename(folder / name)
            for left in work.iterdir():
                left.unlink()
            work.rmdir()


def sunrise(target: Path, work: Path) -> None:
    """H.264, 1280x720 at 30 fps, with sound: the sun comes up behind three hills."""
    size, wide = (1280, 720), (2560, 720)
    layers = (
        (gradient(size, "#2d2a5a", "#d9657a", "#ffb678"), "0", "0"),
        (glow(900, SUN), "190", "'90-t*28'"),
        (disc(200, "#ffe9b8"), "540", "'440-t*28'"),
        (hills(wide, "#7a3b5e", 0.66, 1), "'-t*16'", "0"),
        (hills(wide, "#4f2a4f", 0.77, 2), "'-t*34'", "0"),
        (hills(wide, "#2b1838", 0.90, 3), "'-t*60'", "0"),
        (
            lettering(size, (("Good morning", 0.15, WHITE), ("Lumen Coffee is open until 18:00", 0.055, CREAM))),
            "0",
            "-150",
        ),
    )
    chord = "+".join(f"0.06*sin(2*PI*{hz}*t)*exp(-0.25*mod(t,3))" for hz in (220.0, 277.18, 329.63, 440.0))
    sound = ("-f", "lavfi", "-i", f"aevalsrc='{chord}':s=44100:d=6")
    codec = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-c:a", "aac", "-b:a", "128k", "-shortest")
    _animate(target, work, layers, size, 30, 6, codec, sound)


def waves(target: Path, work: Path) -> None:
    """HEVC, 1920x1080 at 25 fps: broad bands of colour slide at their own speeds."""
    size, wide = (1920, 1080), (3840, 1080)
    bands = (
        ("#1f6f78", 0.45, 11, 30),
        ("#2a9d8f", 0.58, 12, 55),
        ("#76c893", 0.72, 13, 80),
        ("#d9ed92", 0.88, 14, 120),
    )
    layers = (
        (gradient(size, "#0b3954", "#125e73", "#1a759f"), "0", "0"),
        (glow(1500, "#b5f2ea", 150), "900", "-500"),
        *((hills(wide, colour, horizon, seed), f"'-t*{speed}'", "0") for colour, horizon, seed, speed in bands),
        (
            lettering(size, (("Iced mint tea", 0.13, WHITE), ("Fresh every hour", 0.05, CREAM))),
            "0",
            "'-190+6*sin(t*1.4)'",
        ),
    )
    codec = (
        "-c:v",
        "libx265",
        "-preset",
        "veryfast",
        "-crf",
        "24",
        "-tag:v",
        "hvc1",
        "-x265-params",
        "log-level=error",
    )
    _animate(target, work, layers, size, 25, 5, codec)


def evening(target: Path, work: Path) -> None:
    """VP9, 854x480 at 24 fps: lights of the street drift by."""
    size, tall = (854, 480), (854, 960)
    warm = ("#ffcf70", "#ff8fa3", "#ffdfba", "#c77dff")
    layers = (
        (gradient(size, "#10002b", "#3c096c", "#7b2cbf"), "0", "0"),
        (bokeh(tall, warm, 26, 5), "0", "'-t*22'"),
        (bokeh(tall, warm, 14, 6), "0", "'-300+t*14'"),
        (lettering(size, (("After work", 0.16, WHITE), ("Two for one, 16 to 18", 0.07, "#ffe5b4"))), "0", "0"),
    )
    codec = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "6", "-crf", "30", "-b:v", "0")
    _animate(target, work, layers, size, 24, 5, codec)


def poster(target: Path, work: Path) -> None:
    """MPEG-4 part 2, 720x1280 (upright) at 30 fps: a poster that floats."""
    size = (720, 1280)
    words = (("New", 0.12, INK), ("Cardamom bun", 0.055, INK), ("Baked at seven", 0.035, "#7a4a2b"))
    layers = (
        (gradient(size, "#ffe5d9", "#ffcad4", "#f4acb7"), "0", "0"),
        (disc(560, "#fff1e6"), "80", "'360+14*sin(t*1.3)'"),
        (disc(250, "#e29578"), "'40+10*sin(t)'", "'90+18*cos(t*1.1)'"),
        (disc(170, "#9d6b53"), "'470+12*cos(t*1.2)'", "'1000+16*sin(t*0.9)'"),
        (lettering(size, words), "0", "'14*sin(t*1.3)'"),
    )
    _animate(target, work, layers, size, 30, 5, ("-c:v", "mpeg4", "-q:v", "3"))


def landscape(target: Path, work: Path) -> None:
    """JPEG, 12 megapixels, stored lying on its side with an EXIF rotation, as phones do."""
    size = (4032, 3024)
    picture = stacked(
        gradient(size, "#274060", "#8fb8de", "#fde8c9"),
        placed(size, glow(2600, "#fff3c4"), 0.68, 0.42),
        hills(size, "#6c8ead", 0.52, 21, 6),
        hills(size, "#496a81", 0.64, 22, 6),
        hills(size, "#2e4a5c", 0.77, 23, 5),
        hills(size, "#16232f", 0.92, 24, 4),
        placed(size, lettering(size, (("Slow coffee,", 0.1, WHITE), ("high up", 0.1, WHITE)), left=0.07), 0.5, 0.3),
    ).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter clockwise to see it upright
    picture.transpose(Image.Transpose.ROTATE_90).save(target, quality=88, exif=exif)


def sticker(target: Path, work: Path) -> None:
    """PNG with transparency: a badge on nothing."""
    size = (1280, 960)
    words = (("10 %", 0.24, WHITE), ("for members", 0.08, CREAM))
    stacked(
        placed(size, disc(880, "#e76f51"), 0.5, 0.5),
        placed(size, disc(800, "#f4845f"), 0.5, 0.5),
        lettering(size, words),
    ).save(target)


def menu(target: Path, work: Path) -> None:
    """WebP: the board with today's prices."""
    size = (1600, 900)
    prices = (("Today", 0.12, SUN), ("Espresso  2.20", 0.08, CREAM), ("Flat white  3.60", 0.08, CREAM))
    more = (("Filter  2.90", 0.08, CREAM), ("Oat milk, no extra charge", 0.045, "#b7b7a4"))
    board = stacked(gradient(size, "#22333b", "#1b2a31", "#0f1a20"), lettering(size, (*prices, *more), left=0.12))
    board.alpha_composite(glow(700, "#e09f3e", 150), (950, 120))
    board.convert("RGB").save(target, quality=90)


def cup(target: Path, work: Path) -> None:
    """Animated GIF: steam rises from a cup."""
    still = gradient((480, 480), "#fefae0", "#faedcd", "#e9d8a6")
    still.alpha_composite(mug("#bc6c25", "#4a2c1a", "#dda15e"))
    frames = []
    for turn in range(24):
        frame = still.copy()
        for puff in range(4):
            way = (turn / 24 + puff / 4) % 1.0
            steam = glow(int(60 + 90 * way), "#a98467", int(200 * (1 - way)))
            sway = 22 * math.sin(math.tau * (way + puff / 4))
            frame.alpha_composite(
                steam, (int(222 + sway - steam.width / 2), int(215 - 150 * way - steam.height / 2) + 40)
            )
        frames.append(frame.convert("RGB").quantize(128, dither=Image.Dither.FLOYDSTEINBERG))
    frames[0].save(target, save_all=True, append_images=frames[1:], duration=80, loop=0)


def fizzo_video(target: Path, work: Path) -> None:
    """Ad: bubbles rise past a name (H.264, 1280x720 at 25 fps)."""
    size, tall = (1280, 720), (1280, 1440)
    layers = (
        (gradient(size, "#d00000", "#e85d04", "#faa307"), "0", "0"),
        (bokeh(tall, ("#ffffff", "#ffe8a3"), 40, 31), "0", "'-t*120'"),
        (lettering(size, (("FIZZO", 0.3, WHITE), ("Bubbles that mean it", 0.06, "#fff3b0"))), "0", "'8*sin(t*2)'"),
    )
    _animate(target, work, layers, size, 25, 4, ("-c:v", "libx264", "-preset", "veryfast", "-crf", "20"))


def fizzo_picture(target: Path, work: Path) -> None:
    """Ad: the same brand, standing still."""
    size = (1280, 720)
    words = (("FIZZO", 0.22, "#d00000"), ("now with lime", 0.09, "#386641"))
    stacked(gradient(size, "#f2e8cf", "#d8e2a0", "#a7c957"), lettering(size, words)).convert("RGB").save(
        target, quality=90
    )


def nord(target: Path, work: Path) -> None:
    """Ad: the rival."""
    size = (1280, 720)
    picture = stacked(
        gradient(size, "#03045e", "#0077b6", "#90e0ef"),
        placed(size, glow(800, "#caf0f8", 170), 0.5, 0.9),
        lettering(size, (("AQUA NORD", 0.18, WHITE), ("Still. Cold. Yours.", 0.07, "#caf0f8"))),
    )
    picture.convert("RGB").save(target)


MEDIA: dict[str, Callable[[Path, Path], None]] = {
    "01-good-morning.mp4": sunrise,
    "02-slow-coffee.jpg": landscape,
    "03-iced-mint-tea.mp4": waves,
    "04-members.png": sticker,
    "05-after-work.webm": evening,
    "06-menu.webp": menu,
    "07-cardamom-bun.avi": poster,
    "08-steam.gif": cup,
    "ad-fizzo-bubbles.mp4": fizzo_video,
    "ad-fizzo-lime.jpg": fizzo_picture,
    "ad-aqua-nord.png": nord,
}

Layers = tuple[tuple[Image.Image, str, str], ...]


def _animate(
    target: Path,
    work: Path,
    layers: Layers,
    size: tuple[int, int],
    fps: int,
    seconds: int,
    codec: tuple[str, ...],
    sound: tuple[str, ...] = (),
) -> None:
    """Let ffmpeg lay moving layers over the first; positions are expressions of `t` in seconds."""
    inputs: list[str] = []
    chain, under = "", "0:v"
    for number, (layer, x, y) in enumerate(layers):
        layer.save(work / f"{number}.png", compress_level=1)
        inputs += ["-loop", "1", "-framerate", str(fps), "-i", str(work / f"{number}.png")]
        if number:
            chain += f"[{under}][{number}:v]overlay=x={x}:y={y}:eval=frame[v{number}];"
            under = f"v{number}"
    chain += f"[{under}]format=yuv420p[out]"
    audio = ("-map", f"{len(layers)}:a") if sound else ()
    command = ["ffmpeg", "-v", "error", "-y", *inputs, *sound, "-filter_complex", chain, "-map", "[out]", *audio]
    subprocess.run([*command, "-t", str(seconds), "-r", str(fps), *codec, str(target)], check=True)
