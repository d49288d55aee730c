"""What pam_doorward does, for pamconf, which knows nothing of it."""

from collections.abc import Mapping

from doorward.native import access_skips
from pamconf import accounts
from pamconf.access import parse, render
from pamconf.errors import PamconfError
from pamconf.explore import Model
from pamconf.lines import bytes_of
from pamconf.login import Login
from pamconf.models import MODELS, second_factor
from pamconf.stack import Rule

_FILE = "accessfile="


def pam_doorward(rule: Rule, login: Login) -> str:
    """Model pam_doorward: as pam_google_authenticator, but for whom its access file lets pass."""
    files = [one.removeprefix(_FILE) for one in rule.arguments if one.startswith(_FILE)]
    skipped = login.call == "auth" and bool(files) and _skips(files[-1], login)
    return second_factor.code(rule, login, skipped=skipped)


def _skips(path: str, login: Login) -> bool:
    try:
        file = parse(login.world.files.read(path), path)
    except PamconfError as error:
        login.note(f"{path}: {error.message}: everybody is asked for the code")
        return False
    name = login.name_among(word.text for rule in file.rules for word in rule.user_words)
    rhost = login.origin.rhost or ""
    verdict = access_skips(bytes_of(render(file)), name, rhost, lambda group: _is_in(group, login))
    if verdict.problem:
        line, what = verdict.problem
        login.note(f"{path}:{line}: {what}: everybody is asked for the code")
    return verdict.skips


def _is_in(group: str, login: Login) -> bool | None:
    return login.in_group(group) if accounts.has_group(group, login.world.root) else None


WITH_DOORWARD: Mapping[str, Model] = {**MODELS, "pam_doorward": pam_doorward}
"""All models of pamconf, and doorward's own."""
