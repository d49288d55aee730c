"""What modules take: the types of rules they have functions for, and their arguments.

Read in the source of each: modules/ of Linux-PAM 1.5.2 to 1.7.2, with what Debian 12 adds, and
pam_cracklib's in 1.4.0; libcap's pam_cap/pam_cap.c, cockpit's src/pam-ssh-add/pam-ssh-add.c,
fprintd's pam/pam_fprintd.c, gdm's pam_gdm/pam_gdm.c, gnome-keyring's pam/gkr-pam-module.c,
google-authenticator-libpam's src/pam_google_authenticator.c, kwallet-pam's pam_kwallet.c,
libpwquality's src/pam_pwquality.c and settings.c, oath-toolkit's pam_oath/pam_oath.c, pam-u2f's
cfg.c, samba's nsswitch/pam_winbind.c, sssd's src/sss_client/pam_sss.c, systemd's and elogind's
src/login/pam_systemd.c; and in the manuals of those in Debian 12.

A function that a module does not have is PAM_MODULE_UNKNOWN (libpam/pam_dispatch.c). What is done
with an argument that it does not know is the module's own business: most log it and pass over it.
"""

import string
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pamconf.lines import TYPES
from pamconf.nearest import meant
from pamconf.problem import Severity

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)  # strcasecmp()
_TAKE_OUT = "Take it out."


@dataclass(frozen=True)
class Misread:
    """An argument that its module does not take as it seems to be meant.

    `index` says which of the rule's arguments it is, from 0. `message` is one line, without a full
    stop, on what happens in practice; `hint` says how to mend it.
    """

    index: int
    message: str
    severity: Severity
    hint: str


ArgumentsCheck = Callable[[Sequence[str]], Iterable[Misread]]
"""Gets the arguments of a rule, and finds those that are misread."""


@dataclass(frozen=True)
class Signature:
    """What a module takes: types of rules, of lines.TYPES, and arguments.

    `arguments` is None where any go, or where nobody has established which.
    """

    types: frozenset[str]
    arguments: ArgumentsCheck | None


@dataclass(frozen=True)
class Words:
    """Arguments that a module looks at one by one.

    `exact` and `any_case` are words between blanks: "debug" is a whole argument, "file=" and
    "nullok*" are what one begins with. In those of `any_case`, capitals of ASCII do not matter.
    `elsewhere` are those of them that the module of Debian 12 does not know, but another version
    does. With `fails`, it does not pass over an argument that it does not know.
    """

    module: str
    exact: str = ""
    any_case: str = ""
    elsewhere: str = ""
    fails: bool = False

    def __call__(self, arguments: Sequence[str]) -> Iterator[Misread]:
        """Find what the module does not know."""
        for index, argument in enumerate(arguments):
            if not self.knows(argument):
                yield self.misread(index, argument)

    @property
    def known(self) -> list[str]:
        """All words, without the sign for a beginning."""
        return [word.removesuffix("*") for word in f"{self.exact} {self.any_case}".split()]

    def knows(self, argument: str) -> bool:
        """Tell whether the module makes something of an argument."""
        lower = argument.translate(_LOWER)
        return any(_agrees(argument, word) for word in self.exact.split()) or any(
            _agrees(lower, word.translate(_LOWER)) for word in self.any_case.split()
        )

    def misread(self, index: int, argument: str) -> Misread:
        """Say what becomes of an argument that it does not know."""
        name, equals, _ = argument.partition("=")
        why, hint = f"{argument!r}, an argument that it does not know", _TAKE_OUT
        if f"{argument}=" in self.known:
            why, hint = f"{argument!r}, which has no value", f"Write {argument}= and its value."
        elif name in self.known:
            why, hint = f"{argument!r}: {name!r} takes no value", f"Write {name!r} alone."
        else:
            hint = meant(name + equals, self.known) or _TAKE_OUT
        does = "fails for everybody because of" if self.fails else "passes over"
        severity = Severity.ERROR if self.fails or hint != _TAKE_OUT else Severity.WARNING
        return Misread(index, f"{self.module} {does} {why}", severity, hint)


def _agrees(argument: str, word: str) -> bool:
    if word.endswith(("=", "*")):
        return argument.startswith(word.removesuffix("*"))
    return argument == word


_SUCCEED_IF_OPTIONS = ("debug", "use_uid", "quiet", "quiet_fail", "quiet_success", "audit")
_SUCCEED_IF_FIELDS = (
    "user", "login", "name", "uid", "gid", "shell", "home", "dir", "homedir", "ruser", "rhost",
    "tty", "service",
)  # fmt: skip
_SUCCEED_IF_TESTS = (
    "lt", "le", "eq", "ge", "gt", "ne", "<", "<=", ">", ">=", "=", "!=", "=~", "!~", "glob",
    "noglob", "in", "notin", "ingroup", "notingroup", "innetgr", "notinnetgr",
)  # fmt: skip


def _succeed_if(arguments: Sequence[str]) -> Iterator[Misread]:
    """Find the first of pam_succeed_if's conditions that makes no sense: it goes no further.

    Source: modules/pam_succeed_if/pam_succeed_if.c:evaluate and pam_sm_authenticate.
    """
    words = [at for at, word in enumerate(arguments) if word not in _SUCCEED_IF_OPTIONS]
    for place in range(0, len(words), 3):
        condition = words[place : place + 3]
        field, *rest = (arguments[at] for at in condition)
        test = rest[0] if rest else None
        if field.translate(_LOWER) not in _SUCCEED_IF_FIELDS:
            known = (*_SUCCEED_IF_FIELDS, *_SUCCEED_IF_OPTIONS)
            hint = meant(field, known) or f"There are {', '.join(_SUCCEED_IF_FIELDS)}."
            yield _nonsense(condition[0], f"there is no field {field!r}", hint)
            return
        if test is not None and test.translate(_LOWER) not in _SUCCEED_IF_TESTS:
            hint = meant(test, _SUCCEED_IF_TESTS) or f"There are {' '.join(_SUCCEED_IF_TESTS)}"
            yield _nonsense(condition[1], f"there is no test {test!r}", hint)
            return
        if len(condition) < 3:  # noqa: PLR2004 - field, test and value
            why = f"the condition that begins with {field!r} is not finished"
            hint = "Write a field, a test and a value, such as 'user ingroup wheel'."
            yield _nonsense(condition[0], why, hint)


def _nonsense(index: int, why: str, hint: str) -> Misread:
    return Misread(index, f"pam_succeed_if fails with service_err: {why}", Severity.ERROR, hint)


_LISTFILE: Mapping[str, tuple[str, ...]] = {
    "item=": ("user", "tty", "rhost", "ruser", "group", "shell"),
    "sense=": ("allow", "deny"),
    "file=": (),
    "onerr=": ("succeed", "fail"),
    "apply=": (),
}
"""What pam_listfile takes, and the values that are possible, if not any is."""

_listfile_words = Words("pam_listfile", f"quiet {' '.join(_LISTFILE)}")


def _listfile(arguments: Sequence[str]) -> Iterator[Misread]:
    """Find what makes pam_listfile do as its onerr= says, or fail where that is what is wrong.

    Only words without an equals sign are passed over. Source: modules/pam_listfile/pam_listfile.c.
    """
    for index, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        values = _LISTFILE.get(name + equals)
        if argument == "quiet":
            continue
        if not equals:
            yield _listfile_words.misread(index, argument)
        elif values is None:
            hint = meant(name + equals, _listfile_words.known) or _TAKE_OUT
            yield _as_onerr_says(index, f"{argument!r}, an argument that it does not know", hint)
        elif values and value not in values:
            hint = f"There are {', '.join(name + equals + one for one in values)}."
            why = f"{argument!r}, a value that it does not know"
            yield _as_onerr_says(index, why, hint, fails=name == "onerr")


def _as_onerr_says(index: int, why: str, hint: str, *, fails: bool = False) -> Misread:
    does = "fails for everybody" if fails else "does for everybody what onerr= says, or fails,"
    return Misread(index, f"pam_listfile {does} because of {why}", Severity.ERROR, hint)


_EXEC_TYPES = ("auth", "account", "password", "open_session", "close_session")

_exec_words = Words(
    "pam_exec", any_case="debug stdout seteuid quiet quiet_log expose_authtok log= type="
)


def _exec(arguments: Sequence[str]) -> Iterator[Misread]:
    """Look at pam_exec's options, which end with the program: what is no option is taken for it.

    Source: modules/pam_exec/pam_exec.c:call_exec.
    """
    for index, argument in enumerate(arguments):
        if argument.startswith("/"):
            return
        if not _exec_words.knows(argument):
            hint = meant(argument, _exec_words.known)
            hint = hint or "Write the whole path of the program."
            message = f"pam_exec takes {argument!r} for the program to run, in the folder it is in"
            yield Misread(index, message, Severity.ERROR, hint)
            return
        name, _, value = argument.partition("=")
        if name.translate(_LOWER) == "type" and value not in _EXEC_TYPES:
            message = f"pam_exec never runs its program: there is no {argument!r}"
            hint = f"There are {', '.join(f'type={one}' for one in _EXEC_TYPES)}."
            yield Misread(index, message, Severity.ERROR, hint)
            return
    if arguments:
        message = "pam_exec fails for everybody: no program to run is named"
        yield Misread(len(arguments) - 1, message, Severity.ERROR, "Write it behind the options.")


_ALL = frozenset(TYPES)
_AUTH = frozenset({"auth"})
_AUTH_ACCOUNT = frozenset({"auth", "account"})
_AUTH_PASSWORD = frozenset({"auth", "password"})
_AUTH_SESSION = frozenset({"auth", "session"})
_ACCOUNT = frozenset({"account"})
_PASSWORD = frozenset({"password"})
_SESSION = frozenset({"session"})

_ACCESS = "debug nodefgroup noaudit quiet_log nodns fieldsep= listsep= accessfile="
_DEBUG = "auth= cred= acct= prechauthtok= chauthtok= open_session= close_session="
_FAILLOCK = """
    preauth authfail authsucc conf= dir= deny= fail_interval= unlock_time= root_unlock_time=
    admin_group= even_deny_root even_deny_root= audit audit= silent silent= no_log_info
    no_log_info= local_users_only local_users_only= nodelay nodelay=
"""
_CRACKLIB = """
    debug type= retry= difok= difignore= minlen= dcredit= ucredit= lcredit= ocredit= minclass=
    maxrepeat= maxsequence= maxclassrepeat= reject_username gecoscheck enforce_for_root
    authtok_type= use_authtok use_first_pass try_first_pass dictpath=
"""
_KWALLET = "kdehome= kwalletd= socketPath= force_run auto_start"  # auto_start is for pam_kwallet
_LASTLOG = """
    debug silent inactive= nodate noterm nohost never nowtmp noupdate showfailed unlimited
"""
_MAIL = "debug quiet standard dir= hash= close nopen noenv empty"
_OATH = "debug alwaysok try_first_pass use_first_pass usersfile= digits= window="
_PWHISTORY = """
    try_first_pass use_first_pass use_authtok debug remember= retry= enforce_for_root authtok_type=
    file=
"""
_PWQUALITY = """
    debug type= difignore= reject_username* authtok_type* use_authtok* use_first_pass*
    try_first_pass*
"""
_PWQUALITY_CONF = """
    difok= minlen= dcredit= ucredit= lcredit= ocredit= minclass= maxrepeat= maxclassrepeat=
    maxsequence= gecoscheck= dictcheck= usercheck= usersubstr= enforcing= retry= badwords badwords=
    dictpath dictpath= enforce_for_root enforce_for_root= local_users_only local_users_only=
"""
_SELINUX = """
    debug verbose open close restore nottys select_context use_current_range env_params
"""
_SETQUOTA = """
    bhardlimit= bsoftlimit= ihardlimit= isoftlimit= btime= itime= startuid= enduid= fs= overwrite=
    debug=
"""
_TIMESTAMP = "debug timestampdir= timestamp_timeout= verbose"
_USERDB = "icase dump unknown_ok key_only use_first_pass try_first_pass db= crypt="
_SYSTEMD_LATER = "area= default-capability-bounding-set= default-capability-ambient-set="
_SYSTEMD = f"class= type= desktop= debug debug= {_SYSTEMD_LATER}"
_UNIX = """
    audit* use_first_pass* try_first_pass* authtok_type= use_authtok* shadow* md5* nullok* debug*
    nodelay* nis* bigcrypt* likeauth* remember= noreap* broken_shadow* sha256* sha512* rounds=
    blowfish* minlen= quiet* no_pass_expiry* des* gost_yescrypt* yescrypt* nullresetok* obscure*
    nullok_secure*
"""
_U2F = """
    debug debug_file= max_devices= manual nouserok openasuser alwaysok interactive cue nodetect
    expand userpresence= userverification= pinverification= authfile= sshformat authpending_file=
    origin= appid= prompt= cue_prompt= conf=
"""
_GOOGLE = """
    secret= authtok_prompt= user= allowed_perm= no_strict_owner debug try_first_pass use_first_pass
    forward_pass noskewadj no_increment_hotp nullok allow_readonly echo-verification-code
    echo_verification_code grace_period=
"""
_SSS = """
    forward_pass use_first_pass use_authtok domains= retry= quiet ignore_unknown_user
    ignore_authinfo_unavail use_2fa allow_missing_name prompt_always try_cert_auth
    require_cert_auth allow_chauthtok_by_root
"""
_WINBIND = """
    config* debug_state silent use_authtok try_authtok use_first_pass try_first_pass unknown_ok
    require_membership_of* require-membership-of* krb5_auth krb5_ccache_type* cached_login
    mkhomedir warn_pwd_expire* pwd_change_prompt
"""
# no_unmount_on_close is of Linux-PAM up to 1.1.5; what it asked for is the default since.
_NAMESPACE = """
    debug gen_hash ignore_config_error ignore_instance_parent_mode use_current_context
    use_default_context mount_private unmnt_remnt unmnt_only require_selinux unmount_on_close
    no_unmount_on_close
"""


def _words(
    module: str,
    types: frozenset[str],
    exact: str = "",
    any_case: str = "",
    *,
    elsewhere: str = "",
    fails: bool = False,
) -> tuple[str, Signature]:
    return module, Signature(types, Words(module, exact, any_case, elsewhere, fails))


SIGNATURES: Mapping[str, Signature] = dict(
    (
        _words("pam_access", _ALL, _ACCESS, elsewhere="quiet_log nodns"),
        _words("pam_cap", _AUTH, "debug config= keepcaps autoauth default= defer"),
        _words("pam_cracklib", _PASSWORD, _CRACKLIB),
        _words("pam_debug", _ALL, _DEBUG),
        _words("pam_deny", _ALL),
        ("pam_echo", Signature(_ALL, None)),  # any words are what it says
        _words("pam_elogind", _SESSION, "class= type= desktop= debug debug="),
        _words("pam_env", _ALL, "debug conffile= envfile= user_envfile= readenv= user_readenv="),
        ("pam_exec", Signature(_ALL, _exec)),
        _words("pam_faildelay", _AUTH, "delay= debug"),
        _words("pam_faillock", _AUTH_ACCOUNT, _FAILLOCK),
        _words("pam_fprintd", _AUTH_PASSWORD, "debug debug= max-tries= timeout="),
        _words("pam_ftp", _AUTH, "debug ignore users="),
        _words("pam_gdm", _ALL),
        _words("pam_gnome_keyring", _ALL - _ACCOUNT, "auto_start only_if= use_authtok"),
        _words("pam_google_authenticator", _AUTH, _GOOGLE, fails=True),
        _words("pam_group", _AUTH),
        _words("pam_issue", _AUTH, "issue= noesc"),
        _words("pam_keyinit", _AUTH_SESSION, "force debug revoke"),
        ("pam_krb5", Signature(_ALL, None)),  # MIT's and Heimdal's differ, and read krb5.conf's
        _words("pam_kwallet5", _ALL - _ACCOUNT, _KWALLET, elsewhere="auto_start"),
        _words("pam_lastlog", _ALL - _PASSWORD, _LASTLOG),
        ("pam_ldap", Signature(_ALL, None)),  # nslcd's and PADL's differ
        _words("pam_limits", _SESSION, "debug conf= utmp_early noaudit set_all"),
        ("pam_listfile", Signature(_ALL, _listfile)),
        _words("pam_localuser", _ALL, "debug file="),
        _words("pam_loginuid", _ACCOUNT | _SESSION, "require_auditd"),
        _words("pam_mail", _AUTH_SESSION, _MAIL),
        _words("pam_mkhomedir", _SESSION, "silent debug umask= skel="),
        _words("pam_motd", _SESSION, "motd= motd_dir= noupdate"),
        _words("pam_namespace", _SESSION, _NAMESPACE, elsewhere="no_unmount_on_close"),
        _words("pam_nologin", _AUTH_ACCOUNT, "successok file="),
        _words("pam_oath", _AUTH, _OATH),
        _words("pam_permit", _ALL),
        _words("pam_pwhistory", _PASSWORD, "conf=", _PWHISTORY, elsewhere="conf= file="),
        _words("pam_pwquality", _PASSWORD, _PWQUALITY, _PWQUALITY_CONF),
        _words("pam_rhosts", _AUTH, "debug silent suppress superuser="),
        _words("pam_rootok", _ALL - _SESSION, "debug"),
        _words("pam_securetty", _AUTH_ACCOUNT, "debug noconsole"),
        _words("pam_selinux", _AUTH_SESSION, _SELINUX),
        _words("pam_selinux_permit", _AUTH_ACCOUNT, "debug conf="),
        _words("pam_sepermit", _AUTH_ACCOUNT, "debug conf="),
        _words("pam_setquota", _SESSION, _SETQUOTA),
        _words("pam_shells", _AUTH_ACCOUNT),
        _words("pam_ssh_add", _AUTH_SESSION, "debug"),
        _words("pam_sss", _ALL, _SSS, elsewhere="allow_chauthtok_by_root"),
        ("pam_succeed_if", Signature(_ALL, _succeed_if)),
        _words("pam_systemd", _SESSION, _SYSTEMD, elsewhere=_SYSTEMD_LATER),
        _words("pam_time", _ACCOUNT, "debug noaudit conffile="),
        _words("pam_timestamp", _AUTH_SESSION, _TIMESTAMP),
        _words("pam_tty_audit", _SESSION, "enable= disable= open_only log_passwd"),
        _words("pam_u2f", _AUTH, _U2F, elsewhere="conf= expand"),
        _words("pam_umask", _SESSION, any_case="debug umask= usergroups nousergroups silent"),
        _words("pam_unix", _ALL, _UNIX),
        _words("pam_userdb", _AUTH_ACCOUNT, "debug", _USERDB),
        _words("pam_usertype", _ALL, "use_uid audit issystem isregular"),
        _words("pam_warn", _ALL),
        _words("pam_wheel", _AUTH_ACCOUNT, "debug use_uid trust deny root_only group="),
        _words("pam_winbind", _ALL, "debug", _WINBIND, fails=True),
        _words("pam_xauth", _SESSION, "debug xauthpath= targetuser= systemuser="),
    )
)
"""By the names of modules."""
