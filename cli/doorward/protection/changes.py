"""Which files are other once a service asks for a code, or does not any more; nothing is written.

A rule goes below what asks for the password: to the first place from which it is reached by
everybody whose password is right. Where that is, is not guessed: the rules are followed.
"""

import fnmatch
from collections.abc import Iterator, Mapping, Sequence

import pamconf
from doorward import native
from doorward.errors import DoorwardError, NonsenseError
from doorward.explained import load_named, services
from doorward.names import names_of
from doorward.pam_models import GOOGLE, NAME, WITH_DOORWARD, asking
from doorward.protection import sshd_settings
from doorward.protection.choices import ACCESS_FILE, MARKS, Choices, is_ours
from doorward.protection.sshd_settings import SshdChoices
from pamconf import auth_update, blocks, edit, lines, sshd
from pamconf.explain import explain
from pamconf.known_services import SSHD, needs, password_part
from pamconf.lines import Entry, printable, text_of
from pamconf.models.passwords import PASSWORD
from pamconf.models.second_factor import CODE, CODES, ENROLLED, FACT, PASSWORD_AND_CODE
from pamconf.places import world_of
from pamconf.stack import OTHER, File, Rule, Service
from pamconf.tree import Kind, Tree

Changes = Mapping[str, bytes | None]
"""The new bytes of files, by their paths; None for a file that is to be gone."""

FOLDER = "/etc/pam.d"
_AUTHSELECT = "/etc/authselect/"


# --- enable ---


def enabled(
    tree: Tree, names: Sequence[str], choices: Choices, sshd_choices: SshdChoices, after: str | None
) -> Changes:
    """Return the files with which services ask for a code, as was chosen.

    Raises DoorwardError or PamconfError, with what to try, where one cannot.
    """
    changes: dict[str, bytes | None] = {}
    if choices.writes_access_file:
        changes.update(_access_file(tree, choices))
    for name in names:
        changes.update(_service(tree.changed(changes), name, choices, after))
        if name == SSHD and tree.kind(sshd.PATH) is not Kind.NOTHING:
            changes.update(sshd_settings.enabled(tree, sshd_choices))
    _check_asked_once(tree.changed(changes))
    return _only_new(tree, changes)


def _check_asked_once(tree: Tree) -> None:
    """Raise DoorwardError where a service would ask twice: a code lets in once."""
    for name in services(tree):
        if name == OTHER:  # libpam reads it twice, for itself and for what others lack
            continue
        rules = asking(pamconf.load(name, tree))
        if len(rules) > 1:
            first, second = rules[0].place, rules[1].place
            raise DoorwardError(
                f"{name} would ask for a code twice, by {first} and {second}",
                hint=f"Its files include each other: 'doorward pam disable {name}' first.",
            )


def _access_file(tree: Tree, choices: Choices) -> Changes:
    there = tree.find(ACCESS_FILE)
    if there is not None and not is_ours(there):
        raise DoorwardError(
            f"{ACCESS_FILE} is there, and was not written by doorward",
            hint=f"To go by it as it is: --access-file {ACCESS_FILE}, instead of --skip-from.",
        )
    text = choices.access_text()
    problem = native.access_skips(text.encode(), "somebody", "192.0.2.1", lambda _: None).problem
    if problem:
        raise NonsenseError(f"{' '.join(choices.skip_from)}: {problem[1]}")
    return {ACCESS_FILE: text.encode()}


def _service(tree: Tree, name: str, choices: Choices, after: str | None) -> Changes:
    """Return the file of a service, and of its companions, with the rules."""
    changes = dict(_own_file(tree, name, choices, after))
    for companion in needs(name).companions:
        if tree.real(f"{FOLDER}/{companion}") in map(tree.real, changes):  # a link to the same file
            continue
        now = tree.changed({**changes, **_without(tree, companion)})
        service = pamconf.load(companion, now)
        if service.path is None:
            continue
        if asking(service):
            changes.update(_without(tree, companion))
        else:
            changes.update(_own_file(now, companion, choices, after))
    return changes


def _own_file(tree: Tree, name: str, choices: Choices, after: str | None) -> Changes:
    service = loaded(tree, name)
    path, file = target(service)
    bare = _bare(file)
    _check_others(service, file)
    _check_owner(tree, file)
    for at in _places(service, bare, choices, after):
        trial = _with(bare, choices.for_all(), at)
        if _asks(pamconf.load(name, tree.changed({path: trial.content})), choices):
            return {path: _with(bare, choices, at).content}
    first, _ = password_part(service, bare) if after is None else (0, 0)
    raise DoorwardError(
        f"{file.path}: there is no place for the rule from which everybody would be asked",
        hint=f"Its rules lead past every place below line {bare.entries[first].line}: see "
        f"'doorward pam graph {name}'. 'substack' instead of 'include' may help there.",
    )


def loaded(tree: Tree, name: str) -> Service:
    """Return a service that has a file of its own. Raises NonsenseError where it has none."""
    return load_named(name, tree, " on this machine")


def target(service: Service) -> tuple[str, File]:
    """Return where a service's own file is written, in the admin's folder, and what it has now."""
    path = service.path or ""
    return f"{FOLDER}/{service.name}", service.files[path]


def _check_others(service: Service, file: File) -> None:
    """Raise DoorwardError where rules that doorward did not put there ask for a code already."""
    block = blocks.find(file.content, MARKS, file.path)
    for rule in service.rules("auth"):
        if rule.name not in {NAME, GOOGLE} or is_within(rule, file, block):
            continue
        hint = "Take that line out first; or leave it, as it does the same."
        if rule.name == GOOGLE:
            hint = f"'doorward pam migrate {service.name}' has {NAME} take over from it."
        raise DoorwardError(f"{service.name} asks for a code already, by {rule.place}", hint=hint)


def is_within(rule: Rule, file: File, block: blocks.Block | None) -> bool:
    """Tell whether a rule stands in the block of a file; it may be out of another file."""
    if block is None or rule.path != file.path:
        return False
    first = file.content.count(b"\n", 0, block.start) + 1
    return first <= rule.line <= first + len(block.lines) + 1


def _bare(file: File) -> File:
    """Return a file without its block. Raises DoorwardError where that has others' rules in it."""
    block = blocks.find(file.content, MARKS, file.path)
    for entry in lines.parse(b"\n".join(block.lines)) if block else ():
        name = entry.target.text if entry.target else ""
        if entry.fields and name.removesuffix(".so") not in _OURS:
            rule = printable(text_of(entry.raw)).strip()
            raise DoorwardError(
                f"{file.path}: '{rule}' was not put there by doorward",
                hint=f"The lines below '{MARKS.begin}' go as a whole: move it elsewhere.",
            )
    return edit.without_block(file, MARKS)


_OURS = {NAME, "pam_access", "pam_succeed_if"}
"""Modules of the rules that doorward writes."""


def _check_owner(tree: Tree, file: File) -> None:
    """Raise DoorwardError where a file is authselect's, which writes it anew."""
    if str(tree.real(file.path)).startswith(f"{tree.root}".rstrip("/") + _AUTHSELECT):
        raise DoorwardError(
            f"{file.path} belongs to authselect, which writes it anew",
            hint="'authselect create-profile doorward --base-on sssd' makes a profile to put the "
            "line in, 'authselect select custom/doorward' has it used.",
        )


def _places(service: Service, file: File, choices: Choices, after: str | None) -> Iterator[int]:
    """Yield entries in front of which the rules may go, the best first."""
    if after is not None:
        yield _below(file, after)
        return
    first, last = password_part(service, file)
    rules = [at for at, one in enumerate(file.entries) if one.is_include or one.type == "auth"]
    if choices.before_password:
        yield from (at for at in reversed(rules) if at <= first)
    else:
        yield from (at + 1 for at in rules if at >= last)


def _below(file: File, pattern: str) -> int:
    """Return the place below the last line that a pattern matches."""
    found = [at for at, entry in enumerate(file.entries) if _is_like(entry, pattern)]
    if not found:
        raise NonsenseError(
            f"{file.path} has no line like {pattern!r}",
            hint="Give a part of the line, or a pattern with * and ?.",
        )
    at = found[-1] + 1
    if auth_update.is_within(file, at):
        raise DoorwardError(
            f"{file.path}: that place is in the block that pam-auth-update writes",
            hint="Go below its end: --after 'end of pam-auth-update config'.",
        )
    return at


def _is_like(entry: Entry, pattern: str) -> bool:
    text = printable(entry.raw.decode("utf-8", "replace").strip())
    return fnmatch.fnmatchcase(text, f"*{pattern}*")


def _with(file: File, choices: Choices, at: int) -> File:
    return edit.insert_block(file, choices.rules(), MARKS, at=at)


def _asks(service: Service, choices: Choices) -> bool:
    """Tell whether everybody who is enrolled, and asked for the password, needs the code as well.

    Nobody must be asked for the code before the password, unless that was chosen.
    """
    world = world_of(service, names_of(service.root))
    found = explain(service, world, WITH_DOORWARD, fixed={FACT: ENROLLED})
    with_password = [one for one in found if one.gets_in and {*one.asked} & _PASSWORDS]
    asked = [one for one in with_password if {*one.asked} & CODES]
    grouped = choices.only_group or choices.except_group
    return (
        bool(asked)
        and (len(asked) == len(with_password) or bool(grouped))
        and all(_needs_code(key) for one in asked for key in one.keys)
        and (choices.before_password or all(_is_in_order(one.asked) for one in asked))
    )


_PASSWORDS = {PASSWORD, PASSWORD_AND_CODE}


def _needs_code(key: tuple[str, ...]) -> bool:
    return bool({*key} & CODES)


def _is_in_order(asked: tuple[str, ...]) -> bool:
    return CODE not in asked[: asked.index(PASSWORD)] if PASSWORD in asked else True


# --- disable ---


def disabled(tree: Tree, names: Sequence[str]) -> Changes:
    """Return the files without what `enabled` put there; NonsenseError where that is nothing."""
    changes: dict[str, bytes | None] = {}
    for name in names:
        own: dict[str, bytes | None] = {}
        for one in (name, *needs(name).companions):
            own.update(_without(tree, one))
        if not own:
            raise NonsenseError(f"{name} is not on", hint=_why_not_on(tree, name))
        changes.update(own)
        if name == SSHD:
            changes.update(sshd_settings.disabled(tree))
    if is_ours(tree.find(ACCESS_FILE)) and not _is_access_file_named(tree.changed(changes)):
        changes[ACCESS_FILE] = None
    return _each_once(tree, changes)


def _without(tree: Tree, name: str) -> Changes:
    service = pamconf.load(name, tree)
    if service.path is None:
        return {}
    path, file = target(service)
    bare = _bare(file)
    if bare is file:
        return {}
    return {path: None if bare.content == _vendors(tree, name) else bare.content}


def _vendors(tree: Tree, name: str) -> bytes | None:
    """Return the file that the admin's one stands in for, if there is one."""
    service = pamconf.load(name, tree.changed({f"{FOLDER}/{name}": None}))
    return service.files[service.path].content if service.path else None


def _why_not_on(tree: Tree, name: str) -> str:
    rules = asking(loaded(tree, name))
    if rules:
        return f"{rules[0].place} asks for the code, and was not put there by 'enable'."
    return "'doorward pam status' says what is on."


def _is_access_file_named(tree: Tree) -> bool:
    """Tell whether a rule goes by the access file that `enabled` writes."""
    stacks = (pamconf.load(name, tree) for name in services(tree))
    rules = (rule for service in stacks for rule in service.rules("auth"))
    return any(f"accessfile={ACCESS_FILE}" in rule.arguments for rule in rules)


# --- for all ---


def _only_new(tree: Tree, changes: Changes) -> Changes:
    """Return the changes without files that stay as they are."""
    once = _each_once(tree, changes)
    return {path: content for path, content in once.items() if content != tree.find(path)}


def _each_once(tree: Tree, changes: Changes) -> Changes:
    """Return the changes with one path, the last, for each file to which links lead several."""
    last = {tree.real(path): path for path in changes}
    return {path: changes[path] for path in last.values()}
