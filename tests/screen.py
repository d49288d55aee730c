"""What a person sees of a terminal: the screen, and a picture of it to hold a phone before."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pyte
from PIL import Image, ImageDraw

_WIDTH, _HEIGHT = 8, 16  # pixels of a character

DARK, LIGHT = ("#000000", "#cccccc"), ("#ffffff", "#222222")
"""Themes: the colours of what has no colour of its own, background and foreground."""


def screen_of(output: str, columns: int = 80, lines: int = 24) -> pyte.Screen:
    """Return the screen of a terminal of that size after a program printed `output`."""
    screen = pyte.Screen(columns, lines)
    pyte.Stream(screen).feed(output.replace("\n", "\r\n"))
    return screen


def picture_of(screen: pyte.Screen, theme: tuple[str, str]) -> Image.Image:
    """Draw a screen's colours and half blocks as a terminal with that theme does.

    Other characters are left out: a phone does not read them.
    """
    picture = Image.new("RGB", (screen.columns * _WIDTH, screen.lines * _HEIGHT))
    draw = ImageDraw.Draw(picture)
    for line in range(screen.lines):
        for column in range(screen.columns):
            cell = screen.buffer[line][column]
            back, front = (
                default if colour == "default" else f"#{colour}"
                for colour, default in zip((cell.bg, cell.fg), theme, strict=True)
            )
            left, top = column * _WIDTH, line * _HEIGHT
            middle, bottom, right = top + _HEIGHT // 2, top + _HEIGHT - 1, left + _WIDTH - 1
            draw.rectangle((left, top, right, bottom), front if cell.data == "█" else back)
            if cell.data == "▀":
                draw.rectangle((left, top, right, middle - 1), front)
            if cell.data == "▄":
                draw.rectangle((left, middle, right, bottom), front)
    return picture


def scanned(picture: Image.Image) -> str:
    """Return what a QR scanner (zbarimg) reads in a picture, "" for nothing."""
    program = shutil.which("zbarimg")
    assert program, "zbarimg is missing: it is in Debian's zbar-tools"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "picture.png")
        picture.save(path)
        found = subprocess.run(
            [program, "--raw", "-q", os.fspath(path)], capture_output=True, check=False
        )
    return found.stdout.decode().rstrip("\n")
