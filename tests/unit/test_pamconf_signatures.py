"""What modules take, and what is said of arguments that they do not."""

from pathlib import Path

import pytest

from pamconf import lines, stack
from pamconf.models import MODELS
from pamconf.problem import Severity
from pamconf.signatures import SIGNATURES, Misread
from tests.unit.test_pamconf_stock import SERVICES

ERROR, WARNING = Severity.ERROR, Severity.WARNING
OUT = "Take it out."


def check(module: str, arguments: str) -> list[Misread]:
    """What is found in arguments, which blanks separate."""
    arguments_check = SIGNATURES[module].arguments
    assert arguments_check is not None
    return list(arguments_check(arguments.split(" ") if arguments else []))


def test_each_modelled_module_has_a_signature() -> None:
    """A rule of a module that pamconf knows would go without a look at it."""
    assert SIGNATURES.keys() == MODELS.keys()


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_signature_has_types(name: str) -> None:
    """Every rule of the module would be told that the module has no function for it."""
    types = SIGNATURES[name].types
    assert types
    assert types <= {*lines.TYPES}


@pytest.mark.parametrize(
    ("system", "name"), SERVICES, ids=[f"{system.name}-{name}" for system, name in SERVICES]
)
def test_a_stock_service(system: Path, name: str) -> None:
    """A false alarm would be raised on a machine that nobody has touched."""
    service = stack.load(name, system)
    rules = [rule for type_ in lines.TYPES for rule in service.rules(type_)]
    for rule in rules:
        if signature := SIGNATURES.get(rule.name):
            assert rule.type in signature.types, rule.place
            found = signature.arguments(rule.arguments) if signature.arguments else ()
            assert not list(found), rule.place


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("pam_access", "accessfile=/x fieldsep=| listsep= debug nodefgroup noaudit nodns"),
        ("pam_deny", ""),
        ("pam_exec", ""),
        ("pam_exec", "/usr/bin/true any argument --of=it"),
        ("pam_exec", "QUIET Type=auth log=/x Expose_Authtok /usr/bin/true quite"),
        ("pam_faillock", "preauth silent deny=4 even_deny_root=no"),
        ("pam_google_authenticator", "nullok secret=/var/x/${USER} user=root allowed_perm=0400"),
        ("pam_listfile", "quiet onerr=succeed item=user sense=allow file=/x apply=@x"),
        ("pam_namespace", "unmnt_remnt no_unmount_on_close"),
        ("pam_pwhistory", "REMEMBER=3 use_authtok conf=/x File=/y"),
        ("pam_pwquality", "retry=3 Minlen=12 use_authtok=yes enforce_for_root reject_username"),
        ("pam_succeed_if", ""),
        ("pam_succeed_if", "quiet uid >= 1000 debug user INGROUP wheel"),
        ("pam_succeed_if", "UID quiet ge use_uid 1000 Login notin root:quiet audit"),
        ("pam_umask", "UMASK=077 Silent"),
        ("pam_unix", "nullok nullok_secure nullok=yes obscure minlen=8 yescrypt use_authtoks"),
        ("pam_userdb", "debug ICASE Db=/x"),
        ("pam_winbind", "Krb5_Auth require_membership_of=x require-membership-of config=/x"),
    ],
)
def test_what_a_module_takes(module: str, arguments: str) -> None:
    """A module would be said not to know what it knows."""
    assert check(module, arguments) == []


@pytest.mark.parametrize("module", ["pam_echo", "pam_krb5", "pam_ldap"])
def test_any_argument_goes(module: str) -> None:
    """A module would be told about that nobody has established the arguments of."""
    assert SIGNATURES[module].arguments is None


UNKNOWN = ", an argument that it does not know"


@pytest.mark.parametrize(
    ("module", "argument", "message", "severity", "hint"),
    [
        ("pam_access", "accesfile=/x", UNKNOWN, ERROR, "Did you mean 'accessfile='?"),
        ("pam_access", "ACCESSFILE=/x", UNKNOWN, ERROR, "Did you mean 'accessfile='?"),
        ("pam_access", "accessfile", ", which has no value", ERROR, None),
        ("pam_deny", "debug", UNKNOWN, WARNING, OUT),
        ("pam_faillock", "deny", ", which has no value", ERROR, "Write deny= and its value."),
        (
            "pam_faillock",
            "preauth=1",
            ": 'preauth' takes no value",
            ERROR,
            "Write 'preauth' alone.",
        ),
        ("pam_fprintd", "max_tries=1", UNKNOWN, ERROR, "Did you mean 'max-tries='?"),
        ("pam_kwallet5", "socketpath=/x", UNKNOWN, ERROR, "Did you mean 'socketPath='?"),
        ("pam_limits", "change_uid", UNKNOWN, WARNING, OUT),
        ("pam_unix", "nulok", UNKNOWN, ERROR, "Did you mean 'nullok'?"),
        ("pam_unix", "rounds", ", which has no value", ERROR, "Write rounds= and its value."),
        ("pam_unix", "", UNKNOWN, WARNING, OUT),
        ("pam_userdb", "DEBUG", UNKNOWN, ERROR, "Did you mean 'debug'?"),
        ("pam_wheel", "deny=yes", ": 'deny' takes no value", ERROR, "Write 'deny' alone."),
        ("pam_wheel", "nullok", UNKNOWN, WARNING, OUT),
        ("pam_wheel", "trust\udc80\r", UNKNOWN, ERROR, "Did you mean 'trust'?"),
    ],
)
def test_what_is_passed_over(
    module: str, argument: str, message: str, severity: Severity, hint: str | None
) -> None:
    """Somebody would believe in an argument that the module passes over."""
    arguments_check = SIGNATURES[module].arguments
    assert arguments_check is not None
    (found,) = arguments_check([argument])
    assert found.index == 0
    assert found.message == f"{module} passes over {argument!r}{message}"
    assert found.severity == severity
    assert found.hint == hint or hint is None


@pytest.mark.parametrize("module", ["pam_google_authenticator", "pam_winbind"])
@pytest.mark.parametrize(
    ("argument", "why", "hint"),
    [
        ("cache=/x", "'cache=/x', an argument that it does not know", OUT),
        ("use_frist_pass", "'use_frist_pass', an argument that it does not know", None),
        ("debug=1", "'debug=1': 'debug' takes no value", "Write 'debug' alone."),
    ],
)
def test_what_makes_a_module_fail(module: str, argument: str, why: str, hint: str | None) -> None:
    """Somebody would be locked out by an argument that was called harmless."""
    found = check(module, f"debug {argument}")
    message = f"{module} fails for everybody because of {why}"
    assert found == [Misread(1, message, ERROR, hint or "Did you mean 'use_first_pass'?")]


def test_each_is_found() -> None:
    """Only the first of several misread arguments would be told of."""
    assert [one.index for one in check("pam_wheel", "denny debug use_udi grup=x")] == [0, 2, 3]


FIELDS = "There are user, login, name, uid, gid, shell, home, dir, homedir, ruser, rhost, tty,"
FIELDS += " service."
UNFINISHED = "Write a field, a test and a value, such as 'user ingroup wheel'."


@pytest.mark.parametrize(
    ("arguments", "index", "why", "hint"),
    [
        ("usr ingroup wheel", 0, "there is no field 'usr'", "Did you mean 'user'?"),
        ("quite user = x", 0, "there is no field 'quite'", "Did you mean 'quiet'?"),
        ("user=root", 0, "there is no field 'user=root'", FIELDS),
        ("quiet user in_group x", 2, "there is no test 'in_group'", "Did you mean 'ingroup'?"),
        ("user", 0, "the condition that begins with 'user' is not finished", UNFINISHED),
        ("uid > 1 uid <", 3, "the condition that begins with 'uid' is not finished", UNFINISHED),
        ("uid > 1 1000 2000", 3, "there is no field '1000'", FIELDS),
        ("user ingroup a b user = c", 3, "there is no field 'b'", FIELDS),
    ],
)
def test_succeed_if(arguments: str, index: int, why: str, hint: str) -> None:
    """A condition that makes pam_succeed_if fail would be taken for a good one."""
    message = f"pam_succeed_if fails with service_err: {why}"
    assert check("pam_succeed_if", arguments) == [Misread(index, message, ERROR, hint)]


def test_succeed_if_names_all_tests() -> None:
    """Somebody who has written == would not learn what to write."""
    (found,) = check("pam_succeed_if", "uid == 0")
    assert found.index == 1
    assert found.hint.startswith("There are lt le eq ge gt ne < <= > >= = != =~ !~ glob")


DOES = "does for everybody what onerr= says, or fails, because of"


@pytest.mark.parametrize(
    ("argument", "message", "severity", "hint"),
    [
        ("itme=user", f"{DOES} 'itme=user'{UNKNOWN}", ERROR, "Did you mean 'item='?"),
        ("debug=1", f"{DOES} 'debug=1'{UNKNOWN}", ERROR, OUT),
        (
            "sense=alow",
            f"{DOES} 'sense=alow', a value that it does not know",
            ERROR,
            "There are sense=allow, sense=deny.",
        ),
        (
            "onerr=ignore",
            "fails for everybody because of 'onerr=ignore', a value that it does not know",
            ERROR,
            "There are onerr=succeed, onerr=fail.",
        ),
        ("debug", f"passes over 'debug'{UNKNOWN}", WARNING, OUT),
        ("item", "passes over 'item', which has no value", ERROR, "Write item= and its value."),
    ],
)
def test_listfile(argument: str, message: str, severity: Severity, hint: str) -> None:
    """A list would be thought to be read that pam_listfile never comes to."""
    found = check("pam_listfile", f"quiet file=/x {argument}")
    assert found == [Misread(2, f"pam_listfile {message}", severity, hint)]


TYPES = "There are type=auth, type=account, type=password, type=open_session, type=close_session."


@pytest.mark.parametrize(
    ("arguments", "index", "message", "hint"),
    [
        (
            "quiet expose_authok /x",
            1,
            "takes 'expose_authok' for the program to run, in the folder it is in",
            "Did you mean 'expose_authtok'?",
        ),
        (
            "true type=x",
            0,
            "takes 'true' for the program to run, in the folder it is in",
            "Write the whole path of the program.",
        ),
        (
            "Type=session /x",
            0,
            "never runs its program: there is no 'Type=session'",
            TYPES,
        ),
        (
            "quiet log=/x",
            1,
            "fails for everybody: no program to run is named",
            "Write it behind the options.",
        ),
    ],
)
def test_exec(arguments: str, index: int, message: str, hint: str) -> None:
    """A program that never runs would be relied on."""
    found = check("pam_exec", arguments)
    assert found == [Misread(index, f"pam_exec {message}", ERROR, hint)]
