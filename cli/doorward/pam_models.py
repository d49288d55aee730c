"""What pam_doorward does, for pamconf, which knows nothing of it."""

import time
from collections.abc import Mapping

from doorward import native
from pamconf.access import parse, render
from pamconf.errors import PamconfError, UnreadableError
from pamconf.explore import Model
from pamconf.lines import bytes_of
from pamconf.login import Login
from pamconf.models import MODELS, second_factor
from pamconf.stack import Rule, Service

NAME = "pam_doorward"
GOOGLE = "pam_google_authenticator"


def asking(service: Service) -> list[Rule]:
    """Return the rules of a service by which pam_doorward asks for a code."""
    return [rule for rule in service.rules("auth") if rule.name == NAME]


def pam_doorward(rule: Rule, login: Login) -> str:
    """Model pam_doorward: as pam_google_authenticator, but for whom its access file lets pass.

    An argument that it does not know, or a bad value, has it refuse everybody.
    """
    if login.call != "auth":
        return second_factor.code(rule, login)
    options = native.options(rule.arguments, int(time.time()))
    if options.refused is not None:
        login.note(f"{rule.place}: {rule.arguments[options.refused]!r} has it refuse everybody")
        return "auth_err"
    skipped = options.access_file is not None and _skips(options.access_file, login)
    may_lack = options.passes_unenrolled
    return second_factor.code(rule, login, skipped=skipped, may_lack=may_lack)


def _skips(path: str, login: Login) -> bool:
    try:
        file = parse(login.world.files.read(path), path)
    except UnreadableError:
        raise
    except PamconfError as error:
        login.note(f"{path}: {error.message}: everybody is asked for the code")
        return False
    name = login.name_among(word.text for rule in file.rules for word in rule.user_words)
    rhost = login.origin.rhost or ""
    verdict = native.access_skips(
        bytes_of(render(file)), name, rhost, lambda group: _is_in(group, login)
    )
    if verdict.problem:
        line, what = verdict.problem
        login.note(f"{path}:{line}: {what}: everybody is asked for the code")
    return verdict.skips


def _is_in(group: str, login: Login) -> bool | None:
    return login.in_group(group) if login.world.has_group(group) else None


WITH_DOORWARD: Mapping[str, Model] = {**MODELS, NAME: pam_doorward}
"""All models of pamconf, and doorward's own."""
