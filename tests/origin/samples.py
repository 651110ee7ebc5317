"""Makes pictures and videos of known content with Pillow and ffmpeg."""

import subprocess
from pathlib import Path

import pillow_heif
from PIL import Image, ImageDraw

RED, GREEN, BLUE, WHITE, BLACK = (220, 30, 30), (30, 180, 30), (30, 30, 220), (255, 255, 255), (0, 0, 0)


class Samples:
    """The sample files of a test session; a video is made once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def video(self, name: str, *arguments: str, size: str = "160x90", rate: int = 10, seconds: float = 1.0) -> Path:
        """Return a moving test pattern, encoded with these `arguments` of ffmpeg."""
        path = self.folder / name
        if not path.exists():
            source = f"testsrc=size={size}:rate={rate}:duration={seconds}"
            self.ffmpeg("-f", "lavfi", "-i", source, *arguments, str(path))
        return path

    def long_film(self) -> Path:
        """Return a small file whose work takes long: three pictures that show for a minute each."""
        path = self.folder / "long.mov"
        if not path.exists():
            source = ("-f", "lavfi", "-i", "testsrc=size=1280x720:rate=1/60")
            self.ffmpeg(*source, "-frames:v", "3", *("-c:v", "prores_ks", "-f", "mov"), str(path))
        return path

    def ffmpeg(self, *arguments: str) -> None:
        """Run ffmpeg."""
        subprocess.run(("ffmpeg", "-v", "error", "-nostdin", "-y", *arguments), check=True)

    def halves(self, width: int = 400, height: int = 200) -> Image.Image:
        """Return a picture that is red on the left and blue on the right."""
        image = Image.new("RGB", (width, height), RED)
        ImageDraw.Draw(image).rectangle((width // 2, 0, width, height), fill=BLUE)
        return image

    def rotated_jpeg(self) -> Path:
        """Return a landscape JPEG (red left, blue right) with a tag that says: rotate by 90 degrees clockwise."""
        image, path = self.halves(), self.folder / "rotated.jpg"
        exif = Image.Exif()
        exif[0x0112] = 6
        exif[0x010F] = "Secret Camera"
        image.save(path, "JPEG", quality=95, exif=exif)
        return path

    def picture(self, name: str, image: Image.Image, kind: str, **options: object) -> Path:
        """Save `image` in the format `kind`, under any name."""
        path = self.folder / name
        image.save(path, kind, **options)
        return path

    def heic(self) -> Path:
        """Return a HEIC picture of the two halves."""
        path = self.folder / "photo.heic"
        pillow_heif.from_pillow(self.halves()).save(path, quality=90)
        return path

    def animation(self, name: str, kind: str, durations: list[int]) -> Path:
        """Return an animation of 51 x 31 pixels whose frames are red, green, blue in turn."""
        frames = [Image.new("RGB", (51, 31), (RED, GREEN, BLUE)[n % 3]) for n in range(len(durations))]
        path = self.folder / name
        frames[0].save(path, kind, save_all=True, append_images=frames[1:], duration=durations, loop=0)
        return path
