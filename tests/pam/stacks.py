"""Random stacks of pam_debug.so, which returns what its arguments say: for libpam and for ours."""

from dataclasses import dataclass, field
from random import Random

from pamconf import lines
from pamconf.control import ACTIONS, RETURNS
from pamconf.lines import TYPES

KEYWORDS = ("required", "requisite", "sufficient", "optional")
EVENTS = {
    "auth": ("auth", "cred"),
    "account": ("acct",),
    "password": ("prechauthtok", "chauthtok"),
    "session": ("open_session", "close_session"),
}
MALFORMED = (
    "[success=okay default=ignore]",
    "[success=0 default=bad]",
    "[success]",
    "[success=]",
    "[=ok]",
    "[sucess=ok]",
    "[SUCCESS=ok]",
    "[success=OK]",
    "[success=ok default]",
    "[success=ok,default=bad]",
    "[success=-1]",
    "sufficent",
    "",
    "[]",
)
ODD = (
    "[success = ok default\t=\tignore]",
    "[default=ignoresuccess=ok]",
    "[default=bad success=1]",
    "success=ok",
    "[success=4294967295 default=ignore]",
    "[success=4294967298 default=ignore]",
    "[success=4294967290]",
    "[success=ok # default=ignore]",
    "[success=ok default=ignore",
    "[success=ok success=die default=2 default=bad]",
    "SUFFICIENT",
    "Required",
)


@dataclass
class Stack:
    """The files of a service, and which unusual things are in them."""

    files: dict[str, str] = field(default_factory=dict)
    features: set[str] = field(default_factory=set)


def stack(random: Random, folder: str) -> Stack:
    """Make the files of a service `t`, and sometimes of `other`, which will lie in `folder`."""
    return _Maker(random, folder).make()


class _Maker:
    def __init__(self, random: Random, folder: str) -> None:
        self._random = random
        self._folder = folder
        self._stack = Stack()
        self._parts = 0

    def make(self) -> Stack:
        random = self._random
        depth = random.choice((0, 1, 1, 2, 3))
        if random.random() < 0.97:
            self._stack.files["t"] = self._file(depth)
        if random.random() < 0.01:
            self._stack.features.add("missing @include")
            self._stack.files["t"] = f"@include {self._folder}/gone\n" + self._rule() + "\n"
        if random.random() < 0.7 or not self._stack.files:
            self._stack.files["other"] = self._file(0)
        return self._stack

    def _file(self, depth: int) -> str:
        random = self._random
        made = [self._line(depth) for _ in range(random.choice((0, 1, 2, 3, 4, 5, 6)))]
        text = "\n".join(made) + ("" if random.random() < 0.1 else "\n")
        if random.random() < 0.02:
            self._stack.features.add("unfinished")
            text += random.choice(("auth required \\", "auth required \\\n# nothing more\n"))
        return text

    def _line(self, depth: int) -> str:
        random = self._random
        kind = random.random()
        if kind < 0.05:
            return random.choice(("", "# a comment", "  \t", " # auth required pam_deny.so", "#\\"))
        if depth and kind < 0.4:
            return self._include(depth)
        if kind < 0.47:
            return self._broken()
        rule = self._rule()
        if random.random() < 0.1:
            self._stack.features.add("joined")
            gap = random.choice(("\\\n", "\\  \t\n", "\\\n# between\n\n", "\\\n   \n"))
            rule = rule.replace(" ", f" {gap}", 1)
        if random.random() < 0.05:
            rule += random.choice((" # [", "#", " # \\"))
        if random.random() < 0.01:
            self._stack.features.add("long")
            rule += " " + "x" * random.randint(900, 1200) + f" {self._type()} optional pam_debug.so"
        return rule

    def _type(self) -> str:
        return self._random.choice(("auth", "auth", *TYPES))

    def _spelled(self, type_: str) -> str:
        random = self._random
        dash = "-" if random.random() < 0.1 else ""
        word, *rest = type_.split(" ")
        return dash + " ".join((word.upper() if random.random() < 0.05 else word, *rest))

    def _rule(self) -> str:
        random = self._random
        type_ = self._type()
        module = "pam_debug.so"
        if random.random() < 0.04:
            module = random.choice(("pam_gone.so", "/no/such.so", "pam_permit.so", "pam_deny.so"))
            self._stack.features.add("another module")
        said = " ".join(f"{event}={self._returned()}" for event in EVENTS[type_])
        blank = random.choice((" ", "\t", "  \t "))
        return f"{self._spelled(type_)}{blank}{self._control()}{blank}{module} {said}"

    def _returned(self) -> str:
        random = self._random
        if random.random() < 0.6:
            return random.choice(("success", "auth_err", "ignore", "new_authtok_reqd"))
        return random.choice(RETURNS)

    def _control(self) -> str:
        random = self._random
        kind = random.random()
        if kind < 0.35:
            return random.choice(KEYWORDS)
        if kind < 0.45:
            self._stack.features.add("malformed bracket")
            return random.choice(MALFORMED)
        if kind < 0.55:
            self._stack.features.add("odd bracket")
            return random.choice(ODD)
        values = random.sample((*RETURNS[:13], "ignore", "default"), random.randint(1, 4))
        pairs = [f"{value}={self._action()}" for value in values]
        if random.random() < 0.7 and "default" not in values:
            pairs.append(f"default={self._action()}")
        return f"[{' '.join(pairs)}]"

    def _action(self) -> str:
        if self._random.random() < 0.3:
            self._stack.features.add("jump")
            return str(self._random.choice((1, 1, 1, 2, 2, 3, 9)))
        action = self._random.choice(ACTIONS)
        if action == "reset":
            self._stack.features.add("reset")
        return action

    def _include(self, depth: int) -> str:
        random = self._random
        type_ = self._type()
        how = random.choice(("include", "substack", "substack", "@include"))
        self._stack.features.add(how)
        if how != "@include" and random.random() < 0.1:
            self._stack.features.add("missing file")
            return f"{self._spelled(type_)} {how} {self._folder}/gone"
        self._parts += 1
        name = f"part{self._parts}"
        text = self._file(depth - 1)
        if how == "@include" and any(entry.unfinished for entry in lines.parse(text.encode())):
            text = ""  # what libpam does then, in a file for one type, is left to chance
        self._stack.files[name] = text
        path = f"{self._folder}/{name}"
        return f"{self._spelled(how if how == '@include' else f'{type_} {how}')} {path}"

    def _broken(self) -> str:
        self._stack.features.add("malformed line")
        return self._random.choice(
            (
                "auth",
                "auth required",
                "auth sufficient",
                "account [default=ignore]",
                "auht required pam_debug.so auth=success",
                "auht sufficient pam_debug.so auth=success",
                "[auth] required pam_debug.so auth=[success]",
                "auth required pam_debug.so auth=suc\\]cess [auth=auth_err] x",
                "session\toptional",
                "- required pam_debug.so",
                "auth required pam_debug.so\r",
                "\rauth required pam_debug.so",
                "pam_debug.so",
            )
        )
