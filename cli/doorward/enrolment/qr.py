"""The QR code of a URI: for a terminal, and as a picture."""

import io
import os
from typing import Any

from qrcode.constants import ERROR_CORRECT_L
from qrcode.image.base import BaseImage
from qrcode.image.pure import PyPNGImage
from qrcode.image.svg import SvgPathFillImage
from qrcode.main import QRCode

_PICTURES: dict[str, type[BaseImage]] = {"png": PyPNGImage, "svg": SvgPathFillImage}

_QUIET_ZONE = 4  # modules, ISO/IEC 18004
_QUIET_ZONE_SMALL = 2  # what phones get by with, where the window is not high enough
_PIXELS = 8  # a module

# Black on white out of the fixed part of the 256 colours (16 and 231): a theme changes the first
# sixteen, and would turn the code's light and dark around or into two shades of grey.
_COLOURS = "\x1b[0;38;5;16;48;5;231m"
_PLAIN = "\x1b[0m"

_HALVES = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


def qr_drawn(uri: str, size: os.terminal_size) -> str | None:
    """Return the code in half blocks, two modules a character.

    Foreground and background are both set, so that it can be scanned on every theme. None where
    the terminal, of `size` in characters, is too narrow for it.
    """
    modules = _code(uri, _QUIET_ZONE).get_matrix()
    if len(modules) > size.columns or len(modules) // 2 + 1 >= size.lines:
        modules = _code(uri, _QUIET_ZONE_SMALL).get_matrix()
    if len(modules) > size.columns:
        return None
    light = [False] * len(modules)
    upper, lower = modules[::2], [*modules[1::2], light]
    return "\n".join(
        _COLOURS + "".join(_HALVES[pair] for pair in zip(*pairs, strict=True)) + _PLAIN
        for pairs in zip(upper, lower, strict=False)
    )


def qr_picture(uri: str, ending: str) -> bytes:
    """Return the code as the bytes of a picture, ``png`` or ``svg``, black on a white ground."""
    stream = io.BytesIO()
    _code(uri, _QUIET_ZONE).make_image(image_factory=_PICTURES[ending]).save(stream)
    return stream.getvalue()


def _code(uri: str, quiet_zone: int) -> QRCode[Any]:
    code = QRCode(error_correction=ERROR_CORRECT_L, box_size=_PIXELS, border=quiet_zone)
    code.add_data(uri)
    code.make(fit=True)
    return code
