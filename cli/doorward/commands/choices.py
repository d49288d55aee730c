"""The options that say how a service is to ask for the code: `pam enable` and `pam generate`."""

import contextlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from ipaddress import IPv4Network, collapse_addresses, ip_network
from typing import Any

import click

from doorward.commands.options import Decorator
from doorward.errors import NonsenseError
from doorward.protection.choices import ACCESS_FILE, Choices, SkipStyle
from doorward.protection.sshd_settings import SshdChoices
from pamconf import accounts
from pamconf.access_who import read_network
from pamconf.known_services import SERVICES, SSHD
from pamconf.nearest import meant
from pamconf.sshd import METHODS
from pamconf.tree import Root

_GROUP = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]*\$?")


@dataclass(frozen=True)
class Wanted:
    """What was asked for on the command line."""

    names: tuple[str, ...]
    choices: Choices
    sshd: SshdChoices
    after: str | None


def _day(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise click.BadParameter(f"{value!r} is no day such as 2027-01-31.") from None


def _networks(
    _ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    words = tuple(word for value in values for word in value.replace(",", " ").split())
    for word in words:
        if read_network(word) is None:
            raise click.BadParameter(f"{word!r} is no address, and no network such as 10.0.0.0/8.")
    if _are_everywhere(words):
        said = " ".join(words)
        raise click.BadParameter(f"{said!r} is everywhere: nobody would be asked for a code.")
    return tuple(dict.fromkeys(words))


def _are_everywhere(words: Iterable[str]) -> bool:
    """Tell whether networks are all of IPv4 or of IPv6, maybe several together."""
    four, six = [], []
    for word in words:
        with contextlib.suppress(ValueError):  # what pam_access alone reads, such as "10."
            network = ip_network(word, strict=False)
            if isinstance(network, IPv4Network):
                four.append(network)
            else:
                six.append(network)
    lengths = [one.prefixlen for one in collapse_addresses(four)]
    lengths += [one.prefixlen for one in collapse_addresses(six)]
    return 0 in lengths


def _group(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    if value is not None and not _GROUP.fullmatch(value):
        raise click.BadParameter(f"{value!r} can be no group's name in a rule.")
    return value


def _path(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"/[^\s\[\]#\\]+", value):
        raise click.BadParameter("an absolute path without blanks, brackets, '#' and '\\'.")
    return value


def _methods(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """Check the words of AuthenticationMethods, as sshd_config(5) has them."""
    for way in (value or "").split():
        for step in way.split(","):
            if step.partition(":")[0] not in METHODS:
                raise click.BadParameter(f"{step!r} is none of {', '.join(METHODS)}.")
    return value


def _matches(
    _ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    for value in values:
        if "\n" in value or "#" in value or not re.match(r"(Group|Address|User) +\S", value):
            raise click.BadParameter("say 'Group NAME', 'Address NETWORK' or 'User NAME'.")
    return values


_OPTIONS: tuple[Decorator, ...] = (
    click.option("--nullok", is_flag=True, help="Let in who has not enrolled, without a code."),
    click.option(
        "--nullok-until", metavar="DAY", callback=_day, help="The same, up to that day: 2027-01-31."
    ),
    click.option(
        "--skip-from",
        metavar="NETWORK",
        multiple=True,
        callback=_networks,
        help="Ask for no code who comes from there: 192.168.1.0/24. Several are fine.",
    ),
    click.option(
        "--skip-local", is_flag=True, help="Ask for no code who sits at the machine itself."
    ),
    click.option(
        "--skip-style",
        type=click.Choice([style.value for style in SkipStyle]),
        default=SkipStyle.MODULE.value,
        show_default=True,
        help="Whether doorward's module reads the access file, or pam_access above it.",
    ),
    click.option(
        "--access-file",
        metavar="PATH",
        callback=_path,
        help=f"Go by an access file of your own, instead of {ACCESS_FILE}.",
    ),
    click.option(
        "--only-group", metavar="GROUP", callback=_group, help="Ask nobody who is not in it."
    ),
    click.option("--except-group", metavar="GROUP", callback=_group, help="Ask nobody who is."),
    click.option(
        "--system-secrets", is_flag=True, help="Secrets are root's: /var/lib/doorward/secrets."
    ),
    click.option("--before-password", is_flag=True, help="Ask for the code first. Wants --i-know."),
    click.option(
        "--methods",
        metavar="LIST",
        callback=_methods,
        help="sshd's AuthenticationMethods: publickey,keyboard-interactive:pam is key and code.",
    ),
    click.option(
        "--match",
        "matches",
        metavar="CRITERIA",
        multiple=True,
        callback=_matches,
        help="Whom --methods is about, as sshd's Match has it: 'Group sudo'.",
    ),
    click.option(
        "--after", metavar="PATTERN", help="Below which line the rules go: for other services."
    ),
)


def choices_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that `wanted` reads."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def wanted(names: tuple[str, ...], root: Root, *, i_know: bool, **given: Any) -> Wanted:  # noqa: ANN401
    """Return what was asked for. Raises UsageError and NonsenseError where it goes not together."""
    methods, matches, after = (given.pop(one) for one in ("methods", "matches", "after"))
    access_file = given.pop("access_file")
    style = SkipStyle(given.pop("skip_style"))
    choices = Choices(own_access_file=access_file, skip_style=style, **given)
    if choices.nullok and choices.nullok_until:
        raise click.UsageError("--nullok and --nullok-until exclude each other.")
    if access_file and choices.writes_access_file:
        raise click.UsageError("--access-file excludes --skip-from and --skip-local.")
    if choices.only_group and choices.except_group:
        raise click.UsageError("--only-group and --except-group exclude each other.")
    if (methods or matches) and SSHD not in names:
        raise click.UsageError("--methods and --match are sshd's.")
    if matches and not methods:
        raise click.UsageError("--match says whom --methods is about.")
    _check_known(names, after)
    if not i_know:
        _check_risks(choices, names, root)
    one_field = [name for name in names if name in SERVICES and not SERVICES[name].has_prompts]
    if one_field and choices.before_password:
        choices = choices.forwarding_password()
    return Wanted(names, choices, SshdChoices(methods, matches), after)


def _check_known(names: tuple[str, ...], after: str | None) -> None:
    unknown = [name for name in names if name not in SERVICES]
    if unknown and after is None:
        raise NonsenseError(
            f"{unknown[0]!r} is no service that doorward knows to change",
            hint=meant(unknown[0], SERVICES)
            or f"It knows {', '.join(SERVICES)}. Of another one say with --after PATTERN below "
            "which of its lines the rule goes, such as --after '@include common-auth'.",
        )


def _check_risks(choices: Choices, names: tuple[str, ...], root: Root) -> None:
    """Raise NonsenseError for what has to be known before it is chosen."""
    for name in names:
        if name in SERVICES and not SERVICES[name].has_prompts:
            raise NonsenseError(
                f"{name} has one field, for the password: no second question can be seen there",
                hint="With --before-password --i-know both are typed into it, password then code.",
            )
    if choices.before_password:
        raise NonsenseError(
            "with the code first, anybody without a password can use up the tries of its owner",
            hint="Say --i-know as well, if that is meant.",
        )
    group = choices.only_group
    if group and not accounts.has_group(group, root):
        raise NonsenseError(
            f"there is no group {group!r}: nobody would be asked for a code",
            hint=f"'groupadd {group}' makes it. --except-group asks everybody where it is missing.",
        )
