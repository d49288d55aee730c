"""What the values of options may be."""

import os
import re

import click

from doorward.native import DEVICE_NAME_MAX, RateLimit
from pamconf.access_who import read_address

_PICTURE_ENDS = (".png", ".svg")

_ATTEMPTS_MAX, _SECONDS_MAX = 100, 3600  # as the module reads RATE_LIMIT


def checked_rate_limit(
    _ctx: click.Context, _param: click.Parameter, value: str
) -> RateLimit | None:
    """Return what ``N/SECONDS`` means, 1 to 100 in 1 to 3600 seconds; of ``none``, None."""
    if value == "none":
        return None
    found = re.fullmatch(r"([0-9]{1,3})/([0-9]{1,4})", value)
    if not found:
        raise click.BadParameter(f"{value!r} is neither N/SECONDS nor 'none'.")
    attempts, seconds = int(found[1]), int(found[2])
    if not 1 <= attempts <= _ATTEMPTS_MAX:
        raise click.BadParameter(f"{value!r}: N is from 1 to {_ATTEMPTS_MAX}.")
    if not 1 <= seconds <= _SECONDS_MAX:
        raise click.BadParameter(f"{value!r}: SECONDS is from 1 to {_SECONDS_MAX}.")
    return RateLimit(attempts, seconds)


_LIKE_AN_ADDRESS = re.compile(r"[0-9.]+|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*")


def checked_host(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """Return a host: an address, or a name, but nothing that can only be an address and is none."""
    if value and _LIKE_AN_ADDRESS.fullmatch(value) and read_address(value) is None:
        raise click.BadParameter(f"{value!r} is no address.")
    return value


def checked_picture(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """Return the absolute path of a new picture."""
    if value and not value.endswith(_PICTURE_ENDS):
        raise click.BadParameter(f"the name must end in {' or '.join(_PICTURE_ENDS)}.")
    return value and os.path.abspath(value)  # noqa: PTH100 - resolve() would follow links


def checked_device(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """Return the name of a device, as the module takes it."""
    if value is not None and not re.fullmatch(rf"[A-Za-z0-9._-]{{1,{DEVICE_NAME_MAX}}}", value):
        raise click.BadParameter(
            f"a name is 1 to {DEVICE_NAME_MAX} letters, digits, dots, dashes and underscores."
        )
    return value
