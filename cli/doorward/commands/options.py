"""Arguments and options that several commands share."""

import os
import pwd
from collections.abc import Callable
from typing import Any

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from doorward.commands.values import checked_device, checked_picture
from doorward.enrolment.places import HOME, SYSTEM
from doorward.errors import NotPermittedError

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def _user_names(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[str | CompletionItem]:
    return [entry.pw_name for entry in pwd.getpwall() if entry.pw_name.startswith(incomplete)]


def _system(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing and os.geteuid() != 0:
        raise NotPermittedError(
            "only root can read and change the secrets of --system", hint="Run this with sudo."
        )
    ctx.meta[SYSTEM] = value


def _place(ctx: click.Context, param: click.Parameter, value: str) -> str:
    if not ctx.meta.get(SYSTEM):
        return value
    if ctx.get_parameter_source(str(param.name)) is not ParameterSource.DEFAULT:
        raise click.UsageError("--system and --secret-file exclude each other.")
    return SYSTEM


def place_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --secret-file and --system, which both tell the parameter `secret_file`."""
    secret_file = click.option(
        "--secret-file",
        metavar="PATH",
        default=HOME,
        show_default=True,
        callback=_place,
        help="The secret file, written as in the module's secret= (${USER}, ${HOME}, ~).",
    )
    system = click.option(
        "--system",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_system,
        help=f"The secret file is root's own, {SYSTEM}.",
    )
    return secret_file(system(command))


user_argument: Decorator = click.argument("user", required=False, shell_complete=_user_names)
users_argument: Decorator = click.argument(
    "users", metavar="[USER]...", nargs=-1, shell_complete=_user_names
)


def _each_once(
    _ctx: click.Context, _param: click.Parameter, names: tuple[str, ...]
) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


services_argument: Decorator = click.argument(
    "names", metavar="SERVICE...", nargs=-1, required=True, callback=_each_once
)
json_option: Decorator = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, and ask nothing."
)


def _root(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    """Return a folder as paths below it begin; this machine's own is "/" however it is written."""
    return "/" if os.path.realpath(value) == "/" else os.path.normpath(value)


root_option: Decorator = click.option(
    "--root",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False),
    default="/",
    callback=_root,
    help="The folder that is / of another machine: an image, a chroot.",
)
qr_option: Decorator = click.option(
    "--qr",
    metavar="FILE",
    callback=checked_picture,
    help="Make a picture of the QR code too, a new file that ends in .png or .svg.",
)
issuer_option: Decorator = click.option(
    "--issuer", metavar="TEXT", help="Who asks, as the app shows it.  [default: this host's name]"
)
label_option: Decorator = click.option(
    "--label", metavar="TEXT", help="Whose account, as the app shows it.  [default: user@host]"
)
device_option: Decorator = click.option(
    "--device",
    "device_name",
    metavar="NAME",
    callback=checked_device,
    help="The device of that name, one of several; the first is called main.",
)
compatible_option: Decorator = click.option(
    "--compatible",
    is_flag=True,
    help="Only what google-authenticator's module reads too: recovery codes of 8 digits.",
)
recovery_count_type = click.IntRange(0, 10)
