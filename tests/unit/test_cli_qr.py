"""A QR code is right if a scanner reads the URI, from wherever a person holds the phone to."""

import io
import os
import re
from xml.etree import ElementTree as ET

import pytest
from doorward.enrolment.qr import qr_drawn, qr_picture
from PIL import Image, ImageDraw

from tests.screen import DARK, LIGHT, picture_of, scanned, screen_of

_URI = (
    "otpauth://totp/{0}:{1}?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer={0}&digits=6&period=30"
)
URIS = [
    _URI.format("b", "a"),
    _URI.format("ACME%20K%C3%B6ln", "alice%40bastion.example.org"),
    _URI.format("x" * 100, "%C3%A4" * 50),  # as long as doorward lets it be
]


@pytest.mark.parametrize("uri", URIS)
@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
def test_terminal(uri: str, theme: tuple[str, str]) -> None:
    """The drawing is read on dark and on light terminals: it depends on no colour of a theme."""
    size = os.terminal_size((120, 60))
    drawn = qr_drawn(uri, size)
    assert drawn is not None
    assert scanned(picture_of(screen_of(drawn, size.columns, size.lines), theme)) == uri


def test_terminal_of_the_usual_size() -> None:
    """In 80x24 the whole code is in sight with the question below it."""
    for uri in (URIS[0], _URI.format("bastion", "alice%40bastion")):
        drawn = qr_drawn(uri, os.terminal_size((80, 24)))
        assert drawn is not None
        screen = screen_of(f"some\nlines\nabove\n{drawn}\nCode from the app: ")
        assert scanned(picture_of(screen, DARK)) == uri


def test_terminal_too_narrow() -> None:
    """A code whose lines would be folded is not drawn."""
    assert qr_drawn(URIS[0], os.terminal_size((40, 100))) is None
    assert qr_drawn(URIS[0], os.terminal_size((41, 100))) is not None


@pytest.mark.parametrize("uri", URIS)
def test_png(uri: str) -> None:
    """The PNG is read to the exact URI."""
    assert scanned(Image.open(io.BytesIO(qr_picture(uri, "png"))).convert("RGB")) == uri


@pytest.mark.parametrize("uri", URIS)
def test_svg(uri: str) -> None:
    """The SVG is read to the exact URI on a black page: it brings its own white ground."""
    assert scanned(_rasterised(qr_picture(uri, "svg"))) == uri


def _rasterised(svg: bytes) -> Image.Image:
    """Draw what the SVG holds: a filled rectangle, and a path of filled squares."""
    root = ET.fromstring(svg)  # noqa: S314 - made a line ago
    scale = 10
    side = round(float(root.attrib["viewBox"].split()[2]) * scale)
    picture = Image.new("RGB", (side, side), "black")
    draw = ImageDraw.Draw(picture)
    for element in root:
        if element.tag.endswith("rect"):
            assert (element.attrib["width"], element.attrib["height"]) == ("100%", "100%")
            draw.rectangle((0, 0, side, side), element.attrib["fill"])
        else:
            squares = re.findall(r"M([\d.]+),([\d.]+)H([\d.]+)V([\d.]+)H\1z", element.attrib["d"])
            for corners in squares:
                left, top, right, bottom = (round(float(number) * scale) for number in corners)
                draw.rectangle((left, top, right - 1, bottom - 1), element.attrib["fill"])
    return picture
