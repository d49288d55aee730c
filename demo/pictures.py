"""Pictures of screens, kept for people to look at: in the checkout, where private hosts write."""

from pathlib import Path

from PIL import Image

FOLDER = Path(__file__).resolve().parent.parent / "build/screenshots"


def keep(name: str, picture: Image.Image) -> Path:
    """Write a picture; return its path below the checkout."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.png"
    picture.save(path, optimize=True)
    return path.relative_to(FOLDER.parent.parent)
