"""An X display without a monitor: what is to be seen on it, and its keyboard."""

import re
import time
from collections.abc import Callable
from itertools import groupby

from PIL import Image, ImageChops, ImageGrab

from demo.pictures import keep
from demo.process import output_of

_SECONDS_MAX = 60  # for what takes a moment, so that a fault does not hang
_SECONDS_TO_SHOW = 3  # from a key to its letter, where nothing is amiss
_SECONDS_BETWEEN_LOOKS = 0.05
_TRIES = 5  # to type into a field

# GTK's own theme, Adwaita: the ring around the field that has the keyboard, and what is in it.
_RING, _PAPER = (53, 132, 228), (255, 255, 255)
_RING_WIDTH, _CARET_WIDTH = 4, 1  # pixels; the ring with its rounded corners


class Screen:
    """The X display `name`, such as ":0", which lets this process in."""

    def __init__(self, name: str) -> None:
        self._name = name

    def picture(self) -> Image.Image:
        """Return what is to be seen now."""
        return ImageGrab.grab(xdisplay=self._name)

    def wait_for(self, what: str, seen: Callable[[Image.Image], bool]) -> Image.Image:
        """Wait until something is to be seen and nothing moves; return that picture.

        Raises RuntimeError, which says `what` is missing.
        """
        picture = self._look(seen, _SECONDS_MAX)
        if picture is None:
            raise RuntimeError(f"not to be seen: {what}; {keep('missing', self.picture())} has all")
        return picture

    def wait_for_field(self) -> Image.Image:
        """Wait until an empty field has the keyboard; return the picture."""
        return self.wait_for("an empty field", lambda picture: letters_in_field(picture) == 0)

    def wait_for_window(self, title: str) -> Image.Image:
        """Wait until a window's title has this in it; return the picture."""
        window = f"a window with {title!r}"
        self.wait_for(window, lambda _: self._has_window(title))
        return self.wait_for(window, lambda _: True)  # the one before may be a moment too old

    def type(self, text: str) -> None:
        """Type, without the Return key."""
        self._xdotool("type", "--file", "-", stdin=text)

    def press(self, *keys: str) -> None:
        """Press keys, which are named as xdotool(1) does: Return, ctrl+a."""
        self._xdotool("key", *keys)

    def fill_in(self, text: str) -> None:
        """Type into a field that shows a dot for each letter, and press Return once all are there.

        A program that is about to ask may empty its field while one types: then it is done again.
        """
        for _ in range(_TRIES):
            self.type(text)
            if self._look(lambda seen: letters_in_field(seen) == len(text), _SECONDS_TO_SHOW):
                self.press("Return")
                return
            self.press("ctrl+a", "BackSpace")
        raise RuntimeError(
            f"not to be seen: what was typed; {keep('missing', self.picture())} has all"
        )

    def _look(self, seen: Callable[[Image.Image], bool], seconds: int) -> Image.Image | None:
        """Return the first picture that shows it and is the same twice; None if there is none."""
        until = time.monotonic() + seconds
        before = self.picture()
        while time.monotonic() < until:
            time.sleep(_SECONDS_BETWEEN_LOOKS)
            now = self.picture()
            if now == before and seen(now):
                return now
            before = now
        return None

    def _has_window(self, title: str) -> bool:
        try:
            self._xdotool("search", "--onlyvisible", "--name", re.escape(title))
        except RuntimeError:  # there is none, or another closed while xdotool asked about it
            return False
        return True

    def _xdotool(self, *arguments: str, stdin: str = "") -> None:
        output_of("env", f"DISPLAY={self._name}", "xdotool", *arguments, stdin=stdin)


def letters_in_field(picture: Image.Image) -> int | None:
    """Count letters, or dots for letters, in the field that has the keyboard; None if none has."""
    ring = ImageChops.invert(_unlike(picture, _RING)).getbbox()
    if ring is None:
        return None
    left, top, right, bottom = ring
    inside = (left + _RING_WIDTH, top + _RING_WIDTH, right - _RING_WIDTH, bottom - _RING_WIDTH)
    ink = _unlike(picture.crop(inside), _PAPER)
    columns = [ink.crop((x, 0, x + 1, ink.height)).getbbox() is not None for x in range(ink.width)]
    strokes = [len(list(run)) for inked, run in groupby(columns) if inked]
    return sum(width > _CARET_WIDTH for width in strokes)


def _unlike(picture: Image.Image, colour: tuple[int, int, int]) -> Image.Image:
    """Return a mask, black where a picture has that colour and white elsewhere."""
    difference = ImageChops.difference(picture, Image.new("RGB", picture.size, colour))
    return difference.convert("L").point(lambda value: 255 * (value > 0))
