"""The picture of a login stack: its arrows are what libpam does, and dot can draw it."""

import re
import subprocess
from collections.abc import Sequence
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pamconf
from pamconf import Service, UsageError, flow, graph, stack
from pamconf.control import ACTIONS, RETURNS
from pamconf.errors import PamconfError
from pamconf.explore import Model
from pamconf.flow import AGREES, End, Step
from pamconf.login import RIGHT, World
from pamconf.models import MODELS
from tests.conftest import CHECKOUT

D = "/etc/pam.d"
DEBIAN = (
    "auth [success=1 default=ignore] pam_unix.so nullok\n"
    "auth requisite pam_deny.so\n"
    "auth required pam_permit.so\n"
)
CODE = "auth required pam_google_authenticator.so nullok\n"
VALUES = [value for value in RETURNS if value != "incomplete"]


def service(text: str | bytes, /, name: str = "sshd", **files: str) -> Service:
    """A service whose file says that; `files` are others by their names."""
    found = {f"{D}/{one}": said.encode() for one, said in files.items()}
    found |= {D: b"", f"{D}/sshd": text if isinstance(text, bytes) else text.encode()}
    return stack.load_from(found.get, name)


def unescaped(text: str) -> str:
    """What an HTML label says, its tags as blanks."""
    return " ".join(re.sub(r"<[^>]*>", " ", text).replace("&#160;", " ").split())


def boxes(text: str) -> dict[str, str]:
    """What stands in each node."""
    found = re.findall(r"^  (\w+) \[label=<(.*?)>(?:, \w+=.*)?\];$", text, re.MULTILINE)
    return {name: unescaped(label) for name, label in found}


def arrows(text: str) -> dict[tuple[str, str], tuple[str, bool]]:
    """The label of each arrow that is seen, and whether a login takes it."""
    found = re.findall(r"^  (\w+) -> (\w+) \[(.*)\];$", text, re.MULTILINE)
    return {
        (source, target): (
            unescaped("".join(re.findall(r"label=<?\"?(.*?)\"?>?(?:, weight|$)", said))),
            "dashed" not in said,
        )
        for source, target, said in found
        if "invis" not in said
    }


def drawn(text: str) -> ET.Element:
    """What dot makes of it."""
    done = subprocess.run(
        ["dot", "-Tsvg"], input=text.encode(), capture_output=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, b"")
    return ET.fromstring(done.stdout)  # noqa: S314 - dot's own


def test_debian_with_a_code() -> None:
    """An admin would see other paths than logins take, or not what they are asked."""
    text = graph.dot(service("@include common-auth\n" + CODE, **{"common-auth": DEBIAN}))
    assert boxes(text) == {
        "start": "sshd : auth /etc/pam.d/sshd",
        "rule0": "pam_unix nullok [success=1 default=ignore] asks: password common-auth:1",
        "rule1": "pam_deny requisite common-auth:2",
        "refused1": "refuses",
        "rule2": "pam_permit required common-auth:3",
        "refused_later2": "refuses in the end",
        "rule3": "pam_google_authenticator nullok required may ask: code sshd:2",
        "refused_later3": "refuses in the end",
        "in": "lets in asked: password, code or: password",
    }
    assert arrows(text) == {
        ("start", "rule0"): ("", True),
        ("rule0", "rule2"): ("success", True),
        ("rule0", "rule1"): ("anything else", True),
        ("rule1", "rule2"): ("success, ignore", False),
        ("rule1", "refused1"): ("anything else", True),
        ("rule2", "rule3"): ("success, ignore", True),
        ("rule2", "refused_later2"): ("anything else", False),
        ("rule3", "in"): ("success, ignore", True),
        ("rule3", "refused_later3"): ("anything else", True),
    }
    assert f"cluster0 {{ graph [label=<{D}/common-auth>" in text
    assert "Dashed: what no login takes" in text


def test_what_is_asked_after_a_failure() -> None:
    """Somebody would wonder why a code is asked for behind a wrong password."""
    text = graph.dot(service("auth required pam_unix.so\nauth required pam_oath.so\n"))
    assert boxes(text)["refused_later0"] == "refuses in the end still asks: code"
    assert "Dashed" not in text


def test_a_second_prompt_for_the_same() -> None:
    """The second of two modules that ask for a code would look as if it asked nothing."""
    both = "auth required pam_google_authenticator.so\nauth required pam_oath.so\n"
    found = boxes(graph.dot(service(both)))
    assert "asks: code" in found["rule0"]
    assert "asks: code" in found["rule1"]


def test_substacks() -> None:
    """What ends a substack would seem to end the login."""
    inner = "auth sufficient pam_unix.so\nauth requisite pam_deny.so\n"
    empty = "auth substack nothing\n"
    text = graph.dot(
        service(
            f"auth substack inner\n{empty}auth substack {D}/inner\n{CODE}",
            inner=inner,
            nothing="account required pam_permit.so\n",
        )
    )
    assert {pair for pair in arrows(text) if pair[0] in {"rule1", "rule2"}} == {
        ("rule1", "rule5"),
        ("rule1", "rule2"),
        ("rule2", "refused_later2"),
        ("rule2", "rule5"),
    }
    assert re.findall(r"label=<(substack [^>]*)>", text) == [f"substack {D}/inner"] * 2
    assert text.count("subgraph") == 2


@pytest.mark.parametrize(
    ("rules", "pairs", "ends"),
    [
        ("auth sufficient pam_unix.so", {("rule0", "in"), ("rule0", "refused")}, {
            "in": "lets in asked: password", "refused": "refuses no rule has agreed"}),
        ("auth optional pam_unix.so", {("rule0", "over"), ("over", "in"), ("over", "refused")}, {
            "over": "Has a rule agreed?", "in": "lets in asked: password", "refused": "refuses"}),
        ("auth [success=ignore default=die] pam_permit.so",
         {("rule0", "refused"), ("rule0", "refused0")},
         {"refused": "refuses no rule has agreed", "refused0": "refuses"}),
        ("auth [default=9] pam_permit.so", {("rule0", "refused_later0")},
         {"refused_later0": "refuses in the end", "in": "lets in no login comes here"}),
        ("auth [default=ok] pam_deny.so", {("rule0", "in"), ("rule0", "refused_later0")},
         {"refused_later0": "refuses in the end", "in": "lets in no login comes here"}),
    ],
)  # fmt: skip
def test_how_it_ends(rules: str, pairs: set[tuple[str, str]], ends: dict[str, str]) -> None:
    """A stack that nobody gets through, or everybody, would look like any other."""
    text = graph.dot(service(rules))
    assert {pair for pair in arrows(text) if pair[0] != "start"} == pairs
    shown = boxes(text)
    assert {name: shown[name] for name in shown.keys() - {"start", "rule0"}} == ends


def test_failures_that_may_be_forgotten() -> None:
    """A wrong password would seem to decide, where a rule below undoes that."""
    text = graph.dot(
        service(
            "auth required pam_unix.so\nauth [success=reset default=ignore] pam_permit.so\n"
            "auth optional pam_unix.so use_first_pass\n"
        )
    )
    assert "anything else fails" in text
    assert boxes(text)["over"] == "Has a rule agreed, and none failed?"


def test_rules_that_always_fail() -> None:
    """A misspelt line, which keeps everybody out, would look like one that works."""
    text = graph.dot(
        service("auht required pam_unix.so\nauth include gone\nauth [x=y] pam_permit.so\n")
    )
    found = boxes(text)
    assert found["rule0"] == ("fails always no type of rules: &#x27;auht&#x27; required sshd:1")
    assert found["rule1"] == "fails always /etc/pam.d/gone: no such file sshd:2"
    assert "bad: a return value is expected here" in found["rule2"]
    assert arrows(text)["rule0", "refused_later0"] == ("always", True)


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("auth required pam_permit.so \\", "sshd",
         f"the last line ends in a backslash, and nothing follows ({D}/sshd:1)"),
        ("", "gone", "no file for &#x27;gone&#x27;, and none for &#x27;other&#x27;"),
        ("account required pam_permit.so", "sshd",
         "There are no auth rules, and none in &#x27;other&#x27;."),
    ],
)  # fmt: skip
def test_a_service_that_refuses_everybody(text: str, name: str, said: str) -> None:
    """The picture of a service that libpam gives up would be empty, or none."""
    found = graph.dot(service(text, name))
    gives_up = "" if said.startswith("There") else "libpam gives up: "
    assert boxes(found)["refused"] == f"{gives_up}{said} refuses, always"
    assert arrows(found) == {("start", "refused"): ("", True)}
    drawn(found)


def test_other() -> None:
    """Nobody would see that a service has no rules of its own."""
    other = service("", "gone", other="auth required pam_deny.so\n")
    text = graph.dot(other)
    assert boxes(text)["start"] == "gone : auth by the rules of &#x27;other&#x27;"
    assert f"label=<{D}/other>" in text


def test_sessions_succeed() -> None:
    """A session would be said to let somebody in, and to ask them nothing."""
    text = graph.dot(service("session required pam_unix.so\n"), "session")
    assert boxes(text)["in"] == "succeeds"
    assert boxes(text)["refused_later0"] == "fails in the end"


def test_boxes_that_say_why() -> None:
    """A module that nobody knows would look as sure as one that is known."""
    text = graph.dot(
        service("auth [default=die] pam_new.so\nauth sufficient pam_permit.so\n" + CODE)
    )
    assert boxes(text)["rule0"].endswith("not known: may agree or refuse sshd:1")
    text = graph.dot(service("auth sufficient pam_permit.so\n" + CODE))
    assert "no login comes here" in boxes(text)["rule1"]
    named = "auth [open_err=1 perm_denied=1 abort=1 auth_err=1 maxtries=1 default=ok] pam_deny.so\n"
    text = graph.dot(service(named + CODE + CODE))
    assert arrows(text)["rule0", "rule2"][0] == ("open_err, perm_denied, auth_err, maxtries, …")


def test_many_ways_and_rules() -> None:
    """A stack that is too large to follow would take forever, or be drawn as if it were known."""
    names = "".join(f"auth optional pam_new{number}.so\n" for number in range(13))
    text = graph.dot(service(names))
    assert "Logins can go too many ways" in text
    assert "no login comes here" not in text
    enough = "auth required pam_permit.so\n" * graph.RULES_MAX
    assert f"rule{graph.RULES_MAX - 1}" in graph.dot(service(enough))
    with pytest.raises(PamconfError, match="301 auth rules are too many"):
        graph.dot(service(enough + CODE))
    with pytest.raises(UsageError, match="no type of rules"):
        graph.dot(service(enough), "auht")


def asks(what: str) -> Model:
    """A module that asks for something."""
    return lambda _rule, login: "success" if login.ask(what) == RIGHT else "auth_err"


def test_many_ways_in() -> None:
    """The end of a stack with many prompts would be larger than the stack."""
    models = {f"pam_{one}": asks(one) for one in "abcdef"}
    rules = "".join(f"auth sufficient pam_{one}.so\n" for one in "abcdef")
    text = graph.dot(service(rules), models=models)
    assert boxes(text)["in"] == (
        "lets in asked: a or: a, b or: a, b, c or: a, b, c, d or: a, b, c, d, e "
        "or otherwise (1 more)"
    )


def test_a_module_that_waits() -> None:
    """A module that pauses would break the picture off with a traceback."""
    models: dict[str, Model] = {"pam_wait": lambda _rule, _login: "incomplete"}
    text = graph.dot(service("auth optional pam_wait.so\n" + CODE), models=models)
    assert boxes(text)["in"] == "lets in no login comes here"


@pytest.mark.parametrize(
    "control", ["required", "requisite", "sufficient", "optional", "[success=5 default=ignore]"]
)
def test_a_large_stack_is_drawn(control: str) -> None:
    """Dot would be at work for minutes, and be given up."""
    svg = drawn(graph.dot(service(f"auth {control} pam_unix.so\n" * graph.RULES_MAX)))
    titles = [found.text or "" for found in svg.iter("{http://www.w3.org/2000/svg}title")]
    assert sum(title.startswith("rule") and "->" not in title for title in titles) == 300


def test_many_rules_that_let_in() -> None:
    """Arrows from everywhere to one end would be a tangle, and say nothing."""
    text = graph.dot(service("auth sufficient pam_unix.so\n" * 7))
    assert boxes(text)["in6"] == "lets in"
    assert arrows(text)["rule6", "in6"] == ("success", False)
    assert "in" not in boxes(text)


VALUE = st.sampled_from(VALUES)
RETURNED = VALUE.filter(lambda value: value != "new_authtok_reqd") | st.just("success")
ACTION = st.sampled_from([*(one for one in ACTIONS if one != "reset"), "1", "2", "3"])
CONTROL = st.one_of(
    st.sampled_from(["required", "requisite", "sufficient", "optional"]),
    st.builds(
        lambda pairs, default: f"[{' '.join(map('='.join, pairs.items()))} default={default}]",
        st.dictionaries(VALUE, ACTION, max_size=3),
        ACTION,
    ),
)


def walked(steps: Sequence[Step], at: int | End, returned: Sequence[str]) -> End:
    """Where the arrows lead with these return values."""
    while isinstance(at, int):
        (at,) = (step.target for step in steps if step.source == at and returned[at] in step.values)
    return at


@settings(max_examples=400)
@given(
    st.lists(st.tuples(CONTROL, st.integers(0, 2), RETURNED), min_size=1),
)
def test_arrows_lead_where_libpam_goes(stack_: list[tuple[str, int, str]]) -> None:
    """The picture would show another way than the one that a login takes."""
    files = {"sshd": "", "in1": "", "in2": ""}
    previous = 0
    for number, (control, wanted, _) in enumerate(stack_):
        level = min(wanted, previous + 1)
        files[("sshd", "in1", "in2")[level]] += f"auth {control} pam_{number}.so\n"
        previous = level
    files["in1"] += "auth substack in2\n"
    files["sshd"] += "auth substack in1\nauth optional pam_last.so\n"
    values = {f"pam_{number}": value for number, (_, _, value) in enumerate(stack_)}
    values["pam_last"] = "ignore"
    found = service(files["sshd"], in1=files["in1"], in2=files["in2"])
    rules = found.rules("auth")
    outcome = found.run("auth", lambda rule: values[rule.name])
    returned = [values.get(rule.name, "success") for rule in rules]
    end = walked(flow.steps(rules), flow.start(rules), returned)
    if end is End.OVER:
        assert outcome.status in AGREES or outcome.decided is None
    else:
        assert (end is End.IN) == (outcome.status in AGREES)


WORDS = [b"auth ", b"required ", b"[default=1] ", b"substack sshd ", b"@include ", b"pam_unix.so ",
         b"\\", b"\n", b"[", b"]", b'"', b"<", b">", b"&lt;", b"&foo;", b"<B>", b"\x1b[2J", b"\xff",
         b"\r", "ä\u202e\ufffe\U0001f600".encode()]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(WORDS) | st.binary(max_size=5), max_size=40).map(b"".join))
def test_any_bytes_can_be_drawn(content: bytes) -> None:
    """A file with a strange character would come out as no picture, or one that no viewer opens."""
    drawn(graph.dot(service(b"auth required pam_permit.so " + content)))


def test_what_cannot_be_seen() -> None:
    """A file could put something else into the picture than what it says."""
    text = graph.dot(service(b'auth required pam_unix.so "a\\b" <IMG> &amp; \xff\x1b &lt;\n'))
    said = "".join(drawn(text).itertext())
    assert '"a\\b" <IMG> &\u200bamp; \\xff\\x1b &\u200blt;' in said.replace("\xa0", " ")


@pytest.mark.parametrize("name", ["sshd", "login", "lightdm", "sudo", "su"])
@pytest.mark.parametrize("type_", ["auth", "account", "session", "password"])
def test_stock_services(name: str, type_: str) -> None:
    """The picture of a Debian that nobody has touched could not be drawn."""
    root = CHECKOUT / "tests/fixtures/pam/debian-12-desktop"
    svg = drawn(graph.dot(pamconf.load(name, root), type_, MODELS, World(root)))
    titles = {found.text for found in svg.iter("{http://www.w3.org/2000/svg}title")}
    assert {f"{name} {type_}", "start", "in"} <= titles
