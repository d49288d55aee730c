"""From google-authenticator's module to doorward's, and back."""

from collections.abc import Sequence

import pamconf
from doorward import native
from doorward.errors import DoorwardError, NonsenseError, RefusedError
from doorward.pam_models import GOOGLE, NAME
from doorward.protection.changes import Changes, is_within, loaded
from doorward.protection.choices import MARKS
from doorward.protection.people import listed, secrets
from doorward.protection.plan import Plan
from pamconf import auth_update, blocks, edit
from pamconf.stack import File, Rule
from pamconf.tree import Tree


def goes_back(plan: Plan) -> bool:
    """Tell whether google-authenticator's module asks for the code after a change."""
    services = (pamconf.load(name, plan.after) for name in plan.named)
    return any(rule.name == GOOGLE for one in services for rule in one.rules("auth"))


def check_can_go_back(plan: Plan) -> None:
    """Raise RefusedError where somebody's secret file has what the other module cannot read."""
    services = (pamconf.load(name, plan.tree) for name in plan.named)
    wanted = dict.fromkeys(secret for service in services for secret in secrets(service))
    looked_at = [person.inspect(one) for one in wanted for person in plan.machine.people]
    found = {one.user: ", ".join(one.foreign_keys) for one in looked_at if one.foreign_keys}
    if found:
        names = listed([f"{name} ({keys})" for name, keys in found.items()])
        raise RefusedError(
            f"google-authenticator's module cannot read all that they have: {names}",
            hint="docs/google-authenticator.md says of each key how to do without it.",
        )


def migrated(tree: Tree, names: Sequence[str], *, back: bool) -> Changes:
    """Return the files in which one module has taken over from the other, with its options."""
    old, new = (NAME, GOOGLE) if back else (GOOGLE, NAME)
    changes: dict[str, bytes | None] = {}
    for name in names:
        now = tree.changed(changes)
        service = loaded(now, name)
        rules = [rule for rule in service.rules("auth") if rule.name == old]
        if not rules:
            raise NonsenseError(
                f"{name} has no rule of {old}", hint=f"'doorward pam explain {name}'."
            )
        for path in dict.fromkeys(rule.path for rule in rules):
            mine = [rule for rule in rules if rule.path == path]
            changes[path] = _swapped(service.files[path], mine, new, back=back)
    return changes


def _swapped(file: File, rules: Sequence[Rule], new: str, *, back: bool) -> bytes:
    block = blocks.find(file.content, MARKS, file.path)
    for rule in rules:
        if back and is_within(rule, file, block):
            raise DoorwardError(
                f"{rule.place} was put there by 'doorward pam enable'",
                hint="'doorward pam disable' takes it out.",
            )
        if auth_update.is_within(file, _entry_of(rule, file)):
            raise DoorwardError(
                f"{rule.place} is in the block that pam-auth-update writes",
                hint="Its profile decides what stands there: see pam-auth-update(8).",
            )
        _check_options(rule, back=back)
        file = edit.rename_module(file, rule.line, f"{new}.so")
    return file.content


def _entry_of(rule: Rule, file: File) -> int:
    return next(at for at, entry in enumerate(file.entries) if entry.line == rule.line)


def _check_options(rule: Rule, *, back: bool) -> None:
    """Raise DoorwardError where the other module does not know an option."""
    if back:
        unknown = [one for one in rule.arguments if one.partition("=")[0] in _OURS_ALONE]
        refused = unknown[0] if unknown else None
    else:
        at = native.options(rule.arguments, 0).refused
        refused = None if at is None else rule.arguments[at]
    if refused is not None:
        other = GOOGLE if back else NAME
        raise DoorwardError(
            f"{rule.place}: {other} does not know {refused!r}, and would refuse everybody",
            hint="Take that option out first.",
        )


_OURS_ALONE = {"accessfile", "disallow_reuse", "nullok_until", "require_rate_limit"}
"""Options that the other module lacks."""
