"""Arguments and options that several commands share."""

import os
import pwd
from collections.abc import Callable
from typing import Any

import click
from click.shell_completion import CompletionItem

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

_PICTURE_ENDS = (".png", ".svg")


def _user_names(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[str | CompletionItem]:
    return [entry.pw_name for entry in pwd.getpwall() if entry.pw_name.startswith(incomplete)]


def _checked_picture(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    if value and not value.endswith(_PICTURE_ENDS):
        raise click.BadParameter(f"the name must end in {' or '.join(_PICTURE_ENDS)}.")
    return value and os.path.abspath(value)  # noqa: PTH100 - resolve() would follow links


user_argument: Decorator = click.argument("user", required=False, shell_complete=_user_names)
users_argument: Decorator = click.argument(
    "users", metavar="[USER]...", nargs=-1, shell_complete=_user_names
)
secret_file_option: Decorator = click.option(
    "--secret-file",
    metavar="PATH",
    default="~/.google_authenticator",
    show_default=True,
    help="The secret file, written as in the module's secret= (${USER}, ${HOME}, ~).",
)
json_option: Decorator = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, and ask nothing."
)
qr_option: Decorator = click.option(
    "--qr",
    metavar="FILE",
    callback=_checked_picture,
    help="Make a picture of the QR code too, a new file that ends in .png or .svg.",
)
issuer_option: Decorator = click.option(
    "--issuer", metavar="TEXT", help="Who asks, as the app shows it.  [default: this host's name]"
)
label_option: Decorator = click.option(
    "--label", metavar="TEXT", help="Whose account, as the app shows it.  [default: user@host]"
)
