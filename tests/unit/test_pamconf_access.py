"""Access files. tests/pam/test_access_oracle.py compares `who` with the real pam_access."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pamconf.access import (
    CHUNK,
    Blank,
    Comment,
    Line,
    Malformed,
    Options,
    Rule,
    parse,
    read_options,
    render,
)
from pamconf.access_check import check
from pamconf.access_who import Names, Origin, literal_addresses, who
from pamconf.errors import PamconfError, UsageError
from pamconf.lines import text_of
from pamconf.problem import Severity

ERROR, WARNING, NOTE = Severity
FINAL = "\n- : ALL : ALL\n"

# What a line is, and where it is wrong: column and width. Each is followed by a newline.
LINES: list[tuple[str, type[Line], tuple[int, int] | None]] = [
    ("# + : ALL : ALL", Comment, None),
    ("#", Comment, None),
    ("", Blank, None),
    (" \t\v\r", Blank, None),
    ("+ : ALL : ALL", Rule, None),
    ("+:ALL:::1", Rule, None),
    ("-\t:ALL:ALL\r", Rule, None),
    ("+x:ALL:ALL", Rule, None),
    (":+:ALL:ALL", Rule, None),
    ("+::ALL:ALL", Rule, None),
    (" + : ALL : ALL", Malformed, (1, 1)),
    (" : ALL : ALL", Malformed, (1, 1)),
    (":  + : ALL : ALL", Malformed, (2, 2)),
    ("  # old", Malformed, (1, 2)),
    ("allow : ALL : ALL", Malformed, (1, 5)),
    ("+", Malformed, (2, 0)),
    ("+ : ALL", Malformed, (8, 0)),
    ("+ : ALL : ", Malformed, (10, 1)),
    (":::", Malformed, (4, 0)),
    ("+ : ALL : ALL\0", Malformed, (14, 1)),
    ("# old\0", Malformed, (6, 1)),
]

LAST_LINES = [
    ("# old", Comment),
    ("   ", Blank),
    ("- : ALL : ALL", Malformed),
]


@pytest.mark.parametrize(("text", "kind", "wrong"), LINES)
def test_lines(text: str, kind: type[Line], wrong: tuple[int, int] | None) -> None:
    """A line would be taken for what pam_access does not take it for."""
    line, other = parse(f"{text}\n# next\n").lines
    assert type(line) is kind
    assert (line.number, line.column, line.text, line.ending) == (1, 1, text, "\n")
    assert other.number == 2
    if isinstance(line, Malformed):
        assert (line.where.column, len(line.where.text)) == wrong


@pytest.mark.parametrize(("text", "kind"), LAST_LINES)
def test_the_last_line_needs_its_newline(text: str, kind: type[Line]) -> None:
    """The line that refuses everybody else would be thought to do so."""
    (line,) = parse(text).lines
    assert type(line) is kind


def test_fields_and_words_know_their_columns() -> None:
    """A caret would stand under another word than the one that is wrong."""
    (rule,) = parse("+ :  bob,(staff) : ::1\tLOCAL \n").rules
    assert (rule.permission.text, rule.permission.column) == ("+ ", 1)
    assert (rule.users.text, rule.users.column) == ("  bob,(staff) ", 4)
    assert (rule.origins.text, rule.origins.column) == (" ::1\tLOCAL", 19)
    assert [(word.text, word.column) for word in rule.user_words] == [("bob", 6), ("(staff)", 10)]
    assert [(word.text, word.column) for word in rule.origin_words] == [("::1", 20), ("LOCAL", 24)]


def test_separators_are_the_modules_options() -> None:
    """A file for other separators would be read with the usual ones."""
    text = "+|alice bob;carol|10.0.0.1:22\n"
    (rule,) = parse(text, fieldsep="|", listsep=";").rules
    assert [word.text for word in rule.user_words] == ["alice bob", "carol"]
    assert [word.text for word in rule.origin_words] == ["10.0.0.1:22"]
    assert not parse("+:ALL:ALL\n", fieldsep="").rules
    (rule,) = parse("+:a b:ALL\n", listsep="").rules
    assert [word.text for word in rule.user_words] == ["a b"]


@pytest.mark.parametrize("separators", [{"fieldsep": "é"}, {"listsep": "\u2003"}])
def test_separators_are_ascii(separators: dict[str, str]) -> None:
    """Letters would be cut in half, as pam_access does, and nobody be told."""
    with pytest.raises(UsageError, match="not an ASCII"):
        parse("", **separators)


@pytest.mark.parametrize("letter", ["#", "é"])
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_lines_that_are_too_long(letter: str, more: int) -> None:
    """A rule that stands behind thousands of blanks would go unseen."""
    padding = letter * (CHUNK // len(letter.encode()) + more)
    text = f"{padding}{' ' * 3}- : ALL : ALL\n# next\n"
    file = parse(text)
    assert render(file) == text
    beginning, rest, other = file.lines
    assert (beginning.number, rest.number, other.number) == (1, 1, 2)
    assert isinstance(beginning, Malformed)
    assert len(beginning.text.encode()) <= CHUNK
    assert rest.column == len(beginning.text) + 1
    assert rest.text == text.splitlines()[0][len(beginning.text) :]


def test_a_rule_that_is_the_rest_of_a_comment() -> None:
    """A rule that decides would be taken for a part of a comment."""
    text = "#" * CHUNK + "+ : ALL : ALL\n"
    assert who(parse(text + FINAL), "alice", (), Origin("10.0.0.1")).granted
    first, second = check(parse(text))
    assert (first.column, first.width, first.severity) == (1, CHUNK, WARNING)
    assert (second.column, second.severity) == (CHUNK + 1, ERROR)
    assert not parse("#" * (CHUNK - 1) + "\n+").rules


def test_options() -> None:
    """The file would be read otherwise than the line in pam.d says."""
    assert read_options([]) == Options()
    arguments = ["accessfile=/a", "noaudit", "fieldsep=|", "listsep=,=", "accessfile=/b", "x"]
    assert read_options([*arguments, "nodefgroup", "accesfile=/c"]) == Options(
        "/b", "|", ",=", nodefgroup=True, unknown=("x", "accesfile=/c")
    )


@given(st.text(st.characters(exclude_categories=())) | st.binary())
def test_any_text_is_read_and_comes_back(data: str | bytes) -> None:
    """An edit would change bytes that it is not about, or a file make the program fall over."""
    text = data if isinstance(data, str) else text_of(data)
    try:
        file = parse(text)
    except PamconfError:
        assert any("\ud800" <= char <= "\udfff" for char in text)
    else:
        assert render(file) == text


@given(
    st.lists(st.text("+-:ALEXCPT, \t\n\r\0#@().0123/f\udcff%", max_size=30)),
    st.text("+-:ALE @().0123/f%", max_size=12),
    st.text("+-:ALE @().0123/f%\udcff\0", max_size=12),
)
def test_nothing_falls_over(lines: list[str], user: str, rhost: str) -> None:
    """A hostile file or host would end the program with a traceback."""
    file = parse("".join(f"+:{line}:{line}\n" for line in lines))
    check(file)
    who(file, user, {user}, Origin(rhost, rhost, user), Names(host_name=rhost))


def test_no_file_has_other_surrogates() -> None:
    """The bytes that such a text stands for would be made up."""
    with pytest.raises(UsageError) as caught:
        parse("# a\n#\ud800", path="x")
    assert (caught.value.line, caught.value.column) == (2, 2)


# --- Who is let in ---

NAMES = Names(
    lambda host, ipv4_only: {
        "v4.example.org": ["10.1.2.3"],
        "v6.example.org": [] if ipv4_only else ["2001:db8::6"],
        "door": ["10.7.7.7"],
    }.get(host, literal_addresses(host, ipv4_only=ipv4_only)),
    lambda group, host, user: (
        (group, host, user)
        in {("net", None, "alice"), ("net", "door", "alice"), ("hosts", "10.1.2.3", None)}
    ),
    "door",
)

# The users and where they come from that match these of alice, who is in staff.
USERS = [
    ("ALL", True),
    ("all", True),
    ("Alice", True),
    ("bob", False),
    ("staff", True),
    ("Staff", False),
    ("(staff)", True),
    ("(alice)", False),
    ("()", False),
    ("(staff", False),
    ("@net", True),
    ("@@net", True),
    ("@other", False),
    ("alice@door", True),
    ("alice@other", False),
    ("bob@door", False),
    ("(staff)@10.", True),
    ("alice@LOCAL", False),
    ("@net@ALL", True),
    ("bob ALL", True),
    ("ALL EXCEPT alice", False),
    ("ALL EXCEPT bob", True),
    ("ALL EXCEPT ALL EXCEPT alice", True),
    ("ALL EXCEPT", True),
    ("EXCEPT bob", False),
    (" ", False),
]
ORIGINS = [
    ("ALL", "203.0.113.9", True),
    ("LOCAL", "203.0.113.9", False),
    ("LOCAL", None, True),
    ("local", "", True),
    ("tty1", None, True),
    ("10.0.0.0/8", None, False),
    ("NONE", None, False),
    ("@hosts", "10.1.2.3", True),
    ("10.1.2.3", "10.1.2.3", True),
    ("10.0.0.0/8", "10.1.2.3", True),
    ("10.0.0.0/8", "11.1.2.3", False),
    ("10.0.0.0/8", "2001:db8::1", False),
    ("10.0.0.0/8", "::ffff:10.1.2.3", False),
    ("10.0.0.0/255.0.0.0", "10.1.2.3", True),
    ("10.1.2.3/ff00::", "10.1.2.3", True),
    ("10.0.0.0/ff00::", "10.1.2.3", False),
    ("0.0.0.0/0", "10.1.2.3", False),
    ("0.0.0.0/0.0.0.0", "10.1.2.3", True),
    ("::/0", "2001:db8::1", False),
    ("10.1.15.0/024", "10.1.2.3", True),
    ("10.1.2.0/0x18", "10.1.2.3", True),
    ("10.1.2.3/08", "10.1.2.3", False),
    ("10.1.2.3/33", "10.1.2.3", False),
    ("10.1.2.3/-8", "10.1.2.3", False),
    ("10.1.2.3/", "10.1.2.3", False),
    ("10.1.", "10.1.2.3", True),
    ("10.1.", "10.10.2.3", False),
    ("10.1.", "::ffff:10.1.2.3", True),
    ("10.1.", "2001:db8::1", False),
    ("10.", "door", True),
    ("10.1.2.0/24", "v4.example.org", True),
    ("2001:db8::/32", "v6.example.org", True),
    ("10. 2001:db8::/32", "v6.example.org", False),  # the first answer stays
    (".example.org", "v4.EXAMPLE.org", True),
    (".example.org", "example.org", False),
    ("V4.example.org", "v4.example.org", True),
    ("door", "10.7.7.7", False),
    ("fe80::/10", "fe80::1%eth0", True),
    ("8.0.0.0/8", "010.1.2.3", True),
    ("10.0.0.1", "10.1", True),
    ("10.0.0.0/8", "999.1", False),
    ("10.0.0.0/8", "é", False),
]


def matches(line: str, origin: Origin, names: Names = NAMES) -> bool:
    """Whether alice meets this line."""
    return who(parse(f"{line}\n"), "alice", {"staff"}, origin, names).rule is not None


@pytest.mark.parametrize(("users", "expected"), USERS)
def test_users(users: str, *, expected: bool) -> None:
    """Somebody would be said to be let in who is not, or the other way round."""
    assert matches(f"+:{users}:ALL", Origin("203.0.113.9")) == expected


@pytest.mark.parametrize(("origins", "rhost", "expected"), ORIGINS)
def test_origins(origins: str, rhost: str | None, *, expected: bool) -> None:
    """As above."""
    assert matches(f"+:ALL:{origins}", Origin(rhost, "/dev/tty1", "login")) == expected


def test_without_a_name_service() -> None:
    """What nobody can answer would be taken for a yes."""
    alone = Names()
    assert not matches("+:alice@ALL:ALL", Origin("10.1.2.3"), alone)
    assert not matches("+:@@net:ALL", Origin("10.1.2.3"), alone)
    assert not matches("+:@net:ALL", Origin("10.1.2.3"), alone)
    assert not matches("+:ALL:10.", Origin("v4.example.org"), alone)


def test_nodefgroup() -> None:
    """A bare group's name would be taken for a user's, or the other way round."""
    file = parse("+:staff:ALL\n-:(staff):ALL\n")
    assert who(file, "alice", {"staff"}, Origin("::1")).granted
    assert not who(file, "alice", {"staff"}, Origin("::1"), nodefgroup=True).granted


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        (Origin("10.1.2.3", "tty1", "sshd"), "10.1.2.3"),
        (Origin("", "/dev/pts/0", "sshd"), "pts/0"),
        (Origin(None, "/tty", "sshd"), "tty"),
        (Origin(None, "", "sshd"), ""),
        (Origin(None, None, "sshd"), "sshd"),
    ],
)
def test_what_an_origin_is_called(origin: Origin, name: str) -> None:
    """A terminal's line would be compared with something else than pam_access does."""
    assert origin.name == name


# A file, who comes from where, whether they are let in, by which line, and words of a warning.
DECISIONS = [
    ("", "10.1.2.3", True, None, ["no line matches"]),
    (
        "+ : bob : ALL\n- : ALL : ALL",
        "10.1.2.3",
        True,
        None,
        ["line 2 is passed", "no line matches"],
    ),
    (" - : ALL : ALL\n- : ALL : ALL\nx\n", "10.1.2.3", False, 2, ["line 1 is passed"]),
    (":+ : ALL : ALL\n", "10.1.2.3", False, 1, ["separator"]),
    ("+ : ALL : LOCAL\n", None, True, 1, ["no remote host"]),
    ("- : ALL : ALL\n", "::ffff:10.1.2.3", False, 1, ["inside IPv6"]),
    ("- : ALL : ALL\n", "v4.example.org", False, 1, ["no address"]),
    ("- : ALL : ALL\n+ : ALL : ALL\n", "10.1.2.3", False, 1, []),
]


@pytest.mark.parametrize(("text", "rhost", "granted", "line", "warnings"), DECISIONS)
def test_decisions(
    text: str, rhost: str | None, *, granted: bool, line: int | None, warnings: list[str]
) -> None:
    """The wrong line would be blamed, or nobody hear why the door is open."""
    decision = who(parse(text), "alice", (), Origin(rhost, "tty1"), NAMES)
    assert decision.granted == granted
    assert (decision.rule.number if decision.rule else None) == line
    said = (*decision.warnings, *decision.remarks)
    assert len(said) == len(warnings)
    assert all(wanted in one for wanted, one in zip(warnings, said, strict=True))


def test_a_login_that_has_neither_host_nor_name() -> None:
    """Somebody would read of an origin that is not there."""
    decision = who(parse("+ : ALL : LOCAL\n"), "alice", (), Origin("", ""))
    assert decision.remarks == ("there is no remote host: LOCAL matches, networks do not",)
    assert not decision.warnings


# --- What is wrong ---

# A line, the words that are wrong in it, how bad that is, and words of what is said.
TRAPS = [
    (" + : ALL : LOCAL", " ", ERROR, "begins with a blank"),
    (" # old", " ", WARNING, "begins with a blank"),
    ("# old\0", "\0", WARNING, "NUL"),
    ("+ : alice\0 : LOCAL", "\0", ERROR, "NUL"),
    ("+ : alice", "", ERROR, "three fields"),
    ("allow : alice : ALL", "allow", ERROR, "neither + nor -"),
    (":+ : alice : ALL", ":", ERROR, "it refuses"),
    ("++ : alice : ALL", "++ ", ERROR, "first character"),
    ("+ :  : ALL", "  ", ERROR, "list is empty"),
    ("+ : EXCEPT bob : ALL", "EXCEPT", ERROR, "before EXCEPT"),
    ("+ : alice EXCEPT : ALL", "EXCEPT", ERROR, "behind this EXCEPT"),
    ("+ : alice EXCEPT EXCEPT bob : ALL", "EXCEPT", ERROR, "behind this EXCEPT"),
    ("+ : alice : 10.0.0.0/24 # 8.8.8.8", "#", ERROR, "no comment"),
    ("+ : alice : 10.0.0.1\r,ALL", "10.0.0.1\r", ERROR, "blanks are part"),
    ("+ : alice : all", "all", NOTE, "this is ALL"),
    ("+ : a except b : ALL", "except", NOTE, "this is EXCEPT"),
    ("+ : (staff : ALL", "(staff", ERROR, "no (group)"),
    ("+ : () : ALL", "()", ERROR, "no (group)"),
    ("+ : alice@door : ALL", "alice@door", WARNING, "this machine"),
    ("+ : LOCAL : ALL", "LOCAL", ERROR, "an origin among the users"),
    ("+ : 10.0.0.0/8 : ALL", "10.0.0.0/8", ERROR, "an origin among the users"),
    ("+ : 1000 : ALL", "1000", WARNING, "number"),
    ("+ : alice : LOCAL", "LOCAL", NOTE, "lightdm"),
    ("+ : alice : NONE", "NONE", ERROR, "NONE matches nobody"),
    ("+ : alice : 0.0.0.0/0", "0.0.0.0/0", ERROR, "0.0.0.0 alone"),
    ("+ : alice : ::/0", "::/0", ERROR, ":: alone"),
    ("+ : alice : ::/255.0.0.0", "::/255.0.0.0", ERROR, "no mask"),
    ("+ : alice : 10.0.0.0/024", "10.0.0.0/024", ERROR, "/024 is read as /20"),
    ("+ : alice : 10.0.0.0/33", "10.0.0.0/33", ERROR, "no prefix"),
    ("+ : alice : 2001:db8::/129", "2001:db8::/129", ERROR, "no prefix"),
    ("+ : alice : ::ffff:10.0.0.1", "::ffff:10.0.0.1", WARNING, "inside IPv6"),
    ("+ : alice : host.example.org", "host.example.org", WARNING, "reverse DNS"),
    ("+ : alice : .example.org", ".example.org", WARNING, "reverse DNS"),
    ("+ : alice : localhost", "localhost", WARNING, "reverse DNS"),
    ("+ : alice : 192.168", "192.168", ERROR, "neither an address nor a network"),
    ("+ : alice : 192.168.256.", "192.168.256.", ERROR, "neither an address"),
    ("+ : alice : 2001:db8:", "2001:db8:", ERROR, "neither an address"),
    ("+ : alice : host/8", "host/8", ERROR, "neither an address"),
    ("+ : alice : 10.0.0.1 : 10.0.0.2", ":", ERROR, "third field goes on"),
]
FINE = [
    "+ : alice bob,(staff) @net : ALL",
    "+ : ALL EXCEPT root : 10.0.0.0/8 10.0.0.1 10.0.0.0/255.0.0.0 2001:db8::/32 ::1/128",
    "- : root : ALL EXCEPT 192.168. 10.1.2.3.",
    "+ : alice : tty1 pts/0 :0 console cron @hosts",
]


@pytest.mark.parametrize(("line", "word", "severity", "message"), TRAPS)
def test_traps(line: str, word: str, severity: Severity, message: str) -> None:
    """A file that lets in others than meant would pass for a good one."""
    (problem,) = check(parse(line + FINAL))
    assert problem.line == 1
    assert line[problem.column - 1 :].startswith(word)
    assert problem.width == max(1, len(word))
    assert (problem.severity, message in problem.message) == (severity, True), problem
    assert problem.hint.endswith(".")


@pytest.mark.parametrize("line", FINE)
def test_nothing_is_wrong(line: str) -> None:
    """Warnings that mean nothing would teach people to overlook those that do."""
    assert check(parse(line + FINAL)) == []


@pytest.mark.parametrize(
    ("text", "line", "severity", "message"),
    [
        ("", 1, ERROR, "there is no rule"),
        ("# old\n\n", 2, ERROR, "there is no rule"),
        ("+ : alice : ALL\n", 1, ERROR, "no rule refuses"),
        ("- : alice : ALL\n+ : bob : ALL\n", 2, WARNING, "no rule matches"),
        ("- : ALL : ALL\n+ : alice : ALL\n", 2, ERROR, "never reached: line 1 "),
    ],
)
def test_the_file_as_a_whole(text: str, line: int, severity: Severity, message: str) -> None:
    """Everybody else would be let in, or a rule do nothing, and nobody know."""
    (problem,) = check(parse(text))
    assert (problem.line, problem.severity) == (line, severity)
    assert message in problem.message


@pytest.mark.parametrize(
    "text", ["- : ALL EXCEPT root (sudo) : ALL\n", "- : ALL : ALL EXCEPT 10.0.0.1\n"]
)
def test_a_list_of_whom_it_refuses(text: str) -> None:
    """Who mends it as they are told would lock out those who are to get in."""
    assert check(parse(text)) == []


def test_problems_come_in_order() -> None:
    """A reader would jump to and fro in the file."""
    text = "+ : 1 2 : all\nx\n+ : all : ALL\n+ : ALL : ALL\n- : ALL : ALL"
    places = [(problem.line, problem.column) for problem in check(parse(text))]
    assert places == [(1, 5), (1, 7), (1, 11), (2, 1), (3, 5), (4, 1), (5, 14)]


def test_bare_groups_with_nodefgroup() -> None:
    """A line that matches nobody would pass for a good one."""
    file = parse("- : staff (staff) alice : ALL\n+ : ALL : ALL\n")
    (problem,) = check(file, group_alone=lambda name: name == "staff")
    assert (problem.line, problem.column, problem.hint) == (1, 5, "Write (staff).")
