"""A service's rules as a picture, in the language of graphviz's dot(1): rules are boxes.

    graph = start, boxes, ends
    box   = module, arguments, control, what it asks for, file:line

Arrows are what return values lead to. Those that logins take are solid; grey and dashed are those
that none takes while modules do what they are known to do. Nothing is told by colour alone.

Source: https://graphviz.org/doc/info/lang.html, and shapes.html#html for labels.
"""

import functools
import html
import itertools
import operator
import posixpath
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from pamconf.errors import PamconfError
from pamconf.explore import Model
from pamconf.flow import AGREES, End, Flow, Step, follow, start
from pamconf.models import MODELS
from pamconf.places import world_of
from pamconf.stack import INCLUDES_FROM

if TYPE_CHECKING:
    from pamconf.login import World
    from pamconf.stack import Rule, Service

RULES_MAX = 300
"""Nobody could read a picture of more rules than this."""

_ENDINGS = {True: ("lets in", "refuses"), False: ("succeeds", "fails")}
_DECIDING = ("auth", "account")

_WIDTH = 46  # characters of a line in a box
_LINES = 3
_WAYS_SHOWN = 5
_NAMED_MAX = 4  # values that are named one by one
_LABEL = 22  # characters of a line at an arrow
_WAYS_IN_MAX = 6  # arrows to the one end below; more of them would be a tangle
_LARGE = 60  # rules; dot takes its time for more, unless it need not be as neat
_LESS_NEAT = '  graph [nslimit="1", nslimit1="1", mclimit="0.1", splines="polyline"];'

_INK, _SOFT, _FAINT = "#1f2933", "#52606d", "#7b8794"
_FONT = "Helvetica,Arial,sans-serif"
_HEAD = f"""\
  graph [bgcolor="white", rankdir="TB", nodesep="0.35", ranksep="0.32", pad="0.3",
    fontname="{_FONT}", fontsize="10", fontcolor="{_SOFT}", labelloc="b", labeljust="l"];
  node [shape="box", style="rounded,filled", fillcolor="white", color="{_SOFT}", penwidth="1.2",
    fontname="{_FONT}", fontsize="11", fontcolor="{_INK}", margin="0.12,0.07"];
  edge [color="{_SOFT}", penwidth="1.3", arrowsize="0.7", fontname="{_FONT}", fontsize="10",
    fontcolor="{_INK}"];
"""
_START = {"shape": "box", "style": "filled", "fillcolor": _INK, "color": _INK, "fontcolor": "white"}
_IN = {"shape": "box", "style": "rounded,filled,bold", "fillcolor": "#e3f4e8", "color": "#1b6e3c"}
_REFUSED = {"shape": "octagon", "fillcolor": "#fdecea", "color": "#a3261b", "style": "filled"}
_ASKED = {"shape": "diamond", "style": "filled", "margin": "0.02"}
_UNTAKEN = {"style": "dashed", "color": _FAINT, "fontcolor": _SOFT, "penwidth": "1"}
_PROMPT = "#fff1c2"
_INCLUDED, _SUBSTACK = "#f5f7fa", "#e9edf3"


def dot(
    service: "Service",
    type_: str = "auth",
    models: Mapping[str, Model] = MODELS,
    world: "World | None" = None,
) -> str:
    """Return the text, for graphviz, that draws a service's rules of a type, one of lines.TYPES.

    `models` and `world` say which ways logins go; without a world, anybody may come from anywhere.
    Raises PamconfError where there are more than
    RULES_MAX rules, UsageError where there is no such type.
    """
    count = len(service.rules(type_))
    if count > RULES_MAX:
        raise PamconfError(
            f"{service.name}: {count} {type_} rules are too many for a picture",
            hint=f"There can be {RULES_MAX}.",
        )
    name = re.sub(r"[^\w.@ -]", "_", _shown(service.name))
    return (
        f'digraph "{name} {type_}" {{\n{_HEAD}'
        + "\n".join(_body(service, type_, models, world or world_of(service)))
        + "\n}\n"
    )


def _body(
    service: "Service", type_: str, models: Mapping[str, Model], world: "World | None"
) -> Iterator[str]:
    yield _node("start", _heading(service, type_), **_START)
    if service.abort:
        yield from _only(type_, f"libpam gives up: {_problem(service)}")
    elif not service.rules(type_):
        yield from _only(type_, f"There are no {type_} rules, and none in 'other'.")
    else:
        yield from _Picture(follow(service, type_, models, world), service, type_).lines()


def _heading(service: "Service", type_: str) -> str:
    path = service.path or ""
    if service.is_other(type_):
        path = "by the rules of 'other'"
    return f"<B>{_escaped(service.name)}</B>: {type_}" + (f"<BR/>{_escaped(path)}" if path else "")


def _problem(service: "Service") -> str:
    problem = service.abort
    assert problem is not None  # noqa: S101 - asked before
    place = ":".join(str(part) for part in (problem.path, problem.line) if part)
    return f"{problem.message} ({place})" if place else problem.message


def _only(type_: str, why: str) -> Iterator[str]:
    """Draw the one box of a service that has no rules to go through."""
    _, refuses = _ENDINGS[type_ in _DECIDING]
    lines = "<BR/>".join(map(_escaped, textwrap.wrap(_shown(why), _WIDTH)))
    yield _node("refused", f"{lines}<BR/><B>{refuses}, always</B>", **_REFUSED)
    yield _edge("start", "refused")


class _Picture:
    """Draws the rules that a call goes through."""

    def __init__(self, flow: Flow, service: "Service", type_: str) -> None:
        self._flow = flow
        self._own = None if service.is_other(type_) else service.path
        self._decides = type_ in _DECIDING
        self._good, self._bad = _ENDINGS[self._decides]
        self._steps: dict[int, list[Step]] = {at: [] for at in range(len(flow.rules))} | {
            at: list(found)
            for at, found in itertools.groupby(flow.steps, operator.attrgetter("source"))
        }
        self._frames = itertools.count()
        self._ways_in = sum(step.target is End.IN for step in flow.steps)
        self._beside = {End.REFUSED, End.REFUSED_LATER}
        if self._ways_in > _WAYS_IN_MAX:
            self._beside.add(End.IN)

    def lines(self) -> Iterator[str]:
        """Draw it."""
        if len(self._flow.rules) > _LARGE:
            yield _LESS_NEAT
        yield from self._level(range(len(self._flow.rules)), 0, self._own)
        yield from self._ends()
        yield _edge("start", self._target(start(self._flow.rules)), weight="10")
        for steps in self._steps.values():
            yield from (self._arrow(step, alone=len(steps) == 1) for step in steps)
        yield from self._kept_in_order()
        yield f"  label=<{self._legend()}>;"

    # --- Boxes ---

    def _level(self, places: Sequence[int], level: int, path: str | None) -> Iterator[str]:
        """Draw rules of a (sub)stack: those of other files, and substacks in it, in frames."""
        for key, found in itertools.groupby(places, functools.partial(self._frame_of, level)):
            group = list(found)
            if isinstance(key, int):
                inside = posixpath.join(INCLUDES_FROM, self._flow.rules[key].module or "")
                boxes = list(self._level(group[1:], level + 1, inside))
                yield from self._framed(f"substack {inside}", _SUBSTACK, boxes)
            elif key == path:
                yield from (line for at in group for line in self._box(at))
            else:
                boxes = [line for at in group for line in self._box(at)]
                yield from self._framed(key, _INCLUDED, boxes)

    def _frame_of(self, level: int, at: int) -> int | str:
        """Return where the substack begins that a rule lies in, or the file that it comes from."""
        rules = self._flow.rules
        begins = range(at, -1, -1)
        if rules[at].level == level and not rules[at].enters:
            return rules[at].path
        return next(one for one in begins if rules[one].level == level and rules[one].enters)

    def _framed(self, title: str, colour: str, inside: list[str]) -> Iterator[str]:
        if not inside:
            return
        about = _attributes(
            label=f"<{_escaped(title)}>",
            style="filled",
            color=colour,
            fillcolor=colour,
            margin="10",
            labelloc="t",
            labeljust="r",
        )
        yield f"  subgraph cluster{next(self._frames)} {{ graph {about}"
        yield from inside
        yield "  }"

    def _box(self, at: int) -> Iterator[str]:
        """Draw a rule, and beside it the ends that it alone leads to."""
        rule = self._flow.rules[at]
        style = {"width": "1.9", "tooltip": f'"{_quotable(_line(rule))}"'}
        if self._is_unreached(at):
            style |= _UNTAKEN | {"style": "rounded,filled,dashed"}
        yield _node(_name(at), _table(self._rows(at)), **style)
        for step in self._steps[at]:
            if step.target in self._beside:
                yield _node(_end_beside(step), self._end_text(step), **self._end_style(step))
                yield f"  {{ rank=same; {_name(at)}; {_end_beside(step)}; }}"

    def _rows(self, at: int) -> Iterator[tuple[str, str]]:
        """Yield the rows of a box: a colour to lie on, or none, and what stands in it."""
        rule = self._flow.rules[at]
        if rule.fault:
            yield "", "<B>fails always</B>"
            yield from (("", line) for line in _wrapped(rule.fault))
        else:
            arguments = " ".join(rule.arguments)
            yield "", f"<B>{_escaped(rule.name)}</B>"
            yield from (("", line) for line in _wrapped(arguments, lines=2))
        yield from (("", _soft(line)) for line in _wrapped(_control(rule)))
        if rule.control.flaw and not rule.fault:
            yield from (("", line) for line in _wrapped(f"bad: {rule.control.flaw.message}"))
        if asks := self._flow.asks.get(at):
            verb = "may ask" if at in self._flow.quiet else "asks"
            yield _PROMPT, f"{verb}: <B>{_escaped(', '.join(asks))}</B>"
        if rule in self._flow.unsure:
            yield "", "<I>not known: may agree or refuse</I>"
        if self._is_unreached(at):
            yield "", "<I>no login comes here</I>"
        yield "", _soft(_escaped(f"{posixpath.basename(rule.path)}:{rule.line}"))

    def _is_unreached(self, at: int) -> bool:
        return self._flow.is_complete and at not in self._flow.reached

    # --- Ends ---

    def _end_text(self, step: Step) -> str:
        if step.target is not End.REFUSED_LATER:
            return f"<B>{self._good if step.target is End.IN else self._bad}</B>"
        later = ", ".join(self._flow.asked_later.get(step, ()))
        still = f"<BR/>still asks: {_escaped(later)}" if later else ""
        return f"<B>{self._bad}</B> in the end{still}"

    def _end_style(self, step: Step) -> Mapping[str, str]:
        style = _IN if step.target is End.IN else _REFUSED
        if self._is_untaken(step):
            return style | _UNTAKEN | {"style": "filled,dashed", "fillcolor": "white"}
        return style

    def _ends(self) -> Iterator[str]:
        """Draw what is behind the last rule."""
        if self._over() == "over":
            failed = ", and none failed" if any(step.fails for step in self._flow.steps) else ""
            yield _node("over", f"Has a rule<BR/>agreed{failed}?", **_ASKED)
            yield _edge("over", "in", label="yes", weight="10")
            yield _edge("over", "refused", label="no")
        if self._over() != "in":
            why = "" if self._over() == "over" else "<BR/>no rule has agreed"
            yield _node("refused", f"<B>{self._bad}</B>{why}", **_REFUSED)
        if self._over() != "refused" or (self._ways_in and End.IN not in self._beside):
            yield _node("in", "<BR/>".join(self._good_text()), **_IN)

    def _good_text(self) -> Iterator[str]:
        yield f"<B>{self._good}</B>"
        found = self._flow.gets_in
        if not found:
            yield "no login comes here"
        elif self._decides or any(found):
            said = [", ".join(asked) or "nothing" for asked in found]
            yield f"asked: {_escaped(said[0])}"
            yield from (f"or: {_escaped(one)}" for one in said[1:_WAYS_SHOWN])
            if len(said) > _WAYS_SHOWN:
                yield f"or otherwise ({len(said) - _WAYS_SHOWN} more)"

    def _over(self) -> str:
        """Return the name of what follows the last rule."""
        if self._flow.over == {False}:
            return "refused"
        return "over" if False in self._flow.over else "in"

    # --- Arrows ---

    def _arrow(self, step: Step, *, alone: bool) -> str:
        beside = step.target in self._beside
        target = _end_beside(step) if beside else self._target(step.target)
        style = dict(_UNTAKEN) if self._is_untaken(step) else {}
        if label := self._label(step, alone=alone):
            style["label"] = f"<&#160;{label}>"
        if not beside:
            style["weight"] = (
                "10" if step.target == start(self._flow.rules, step.source + 1) else "1"
            )
        return _edge(_name(step.source), target, **style)

    def _target(self, target: int | End) -> str:
        if isinstance(target, int):
            return _name(target)
        return "in" if target is End.IN else self._over()

    def _label(self, step: Step, *, alone: bool) -> str:
        rule = self._flow.rules[step.source]
        fails = " fails" if step.fails else ""
        if rule.fault:
            return f"always{fails}"
        if alone:
            return fails.strip()
        if step.others:
            return f"anything else{fails}"
        values = list(step.values)
        if rule.control.keyword and values[0] == AGREES[0]:
            values = [value for value in values if value != AGREES[1]]
        more = ["…"] if len(values) > _NAMED_MAX else []
        return "<BR/>&#160;".join(
            _wrapped(", ".join(values[:_NAMED_MAX] + more) + fails, width=_LABEL)
        )

    def _is_untaken(self, step: Step) -> bool:
        return self._flow.is_complete and step not in self._flow.taken

    def _kept_in_order(self) -> Iterator[str]:
        """Keep boxes below each other as the rules are, also where none leads to the next."""
        for at, steps in self._steps.items():
            below = start(self._flow.rules, at + 1)
            if steps and all(step.target != below for step in steps) and isinstance(below, int):
                yield _edge(_name(at), _name(below), style="invis", weight="10")

    def _legend(self) -> str:
        if not self._flow.is_complete:
            return "Logins can go too many ways: which arrows they take is not shown."
        if all(step in self._flow.taken for step in self._flow.steps):
            return ""
        return (
            'Dashed: what no login takes while all modules<BR ALIGN="LEFT"/>'
            'do what they are known to do.<BR ALIGN="LEFT"/>'
        )


def _name(at: int) -> str:
    return f"rule{at}"


def _end_beside(step: Step) -> str:
    assert isinstance(step.target, End)  # noqa: S101 - as who asks has seen
    return f"{step.target.name.lower()}{step.source}"


def _control(rule: "Rule") -> str:
    text = rule.control.text
    return f"[{text}]" if "=" in text else text


def _line(rule: "Rule") -> str:
    """Return all of a rule, for who points at its box."""
    words = (f"{rule.place}:", rule.type, _control(rule), rule.module or "", *rule.arguments)
    return " ".join(filter(None, words))


# --- The language ---


def _node(name: str, label: str, **attributes: str) -> str:
    return f"  {name} {_attributes(label=f'<{label}>', **attributes)}"


def _edge(source: str, target: str, **attributes: str) -> str:
    return f"  {source} -> {target} {_attributes(**attributes)}"


def _attributes(**attributes: str) -> str:
    """Return attributes of a node, an arrow, or a frame; labels come as HTML."""
    said = (
        f"{name}={value}" if value[:1] in {"<", '"'} else f'{name}="{value}"'
        for name, value in attributes.items()
    )
    return f"[{', '.join(said)}];"


def _table(rows: Iterator[tuple[str, str]]) -> str:
    lines = "".join(
        f'<TR><TD ALIGN="LEFT" BGCOLOR="{colour or "transparent"}">{text}</TD></TR>'
        for colour, text in rows
    )
    return f'<TABLE BORDER="0" CELLSPACING="0" CELLPADDING="2" WIDTH="120">{lines}</TABLE>'


def _soft(text: str) -> str:
    return f'<FONT COLOR="{_SOFT}" POINT-SIZE="10">{text}</FONT>'


def _wrapped(text: str, *, width: int = _WIDTH, lines: int = _LINES) -> list[str]:
    """Return a text of files as so many lines at most, for a label."""
    found = textwrap.wrap(
        _shown(text), width, max_lines=lines, placeholder=" …", break_on_hyphens=False
    )
    return [_escaped(line) for line in found]


def _shown(text: str) -> str:
    """Return a text with what cannot be seen as escapes, and bytes that are no UTF-8."""
    return "".join(
        char
        if char.isprintable()
        else f"\\x{ord(char) & 0xFF:02x}"
        if 0xDC80 <= ord(char) <= 0xDCFF  # noqa: PLR2004 - surrogateescape's (PEP 383)
        else char.encode("unicode_escape").decode()
        for char in text
    )


def _without_entities(text: str) -> str:
    """Return a text in which nothing looks like an entity, which dot would leave as it is."""
    return re.sub(r"&(?=#?\w+;)", "&\u200b", _shown(text))


def _escaped(text: str) -> str:
    return html.escape(_without_entities(text))


def _quotable(text: str) -> str:
    return _without_entities(text).replace("\\", "\\\\").replace('"', '\\"')
