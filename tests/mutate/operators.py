"""The small semantic changes: where in a source each can be made, and what the text is then.

A point is one place and one operator; where an operator has more than one way to change the place, the seed decides. Lines
are never added or removed: what differs in an object file is then what the program does.
"""
import dataclasses
import random
import re

import cpp

OPERATORS = {
    "negate": "a condition negated, == for !=",
    "and-or": "&& for ||, || for &&",
    "bound": "< for <=, > for >=, and the reverse",
    "off-by-one": "a number one more or one less",
    "flip": "true for false, false for true",
    "leave-out": "a statement left out",
    "return": "another value returned",
}
SWAPS = {
    "&&": ("and-or", "||"), "||": ("and-or", "&&"),
    "==": ("negate", "!="), "!=": ("negate", "=="),
    "<": ("bound", "<="), "<=": ("bound", "<"), ">": ("bound", ">="), ">=": ("bound", ">"),
}
# What ends the condition of ?: to its left, and where the left side of a ternary begins.
BEFORE_CONDITION = {"=", "+=", "-=", "|=", "&=", "(", "[", "{", "}", ",", ";", "?", ":", "return", "co_return",
                    "co_await", "co_yield", "throw", "<<"}


@dataclasses.dataclass(frozen=True)
class Point:
    file: str
    operator: str
    start: int
    end: int
    choices: tuple   # texts that may stand in the place of [start, end)


@dataclasses.dataclass(frozen=True)
class Mutant:
    file: str
    operator: str
    line: int
    start: int
    end: int
    text: str        # what stands there instead
    before: str      # the line
    after: str

    @property
    def key(self):
        return f"{self.file}:{self.start}-{self.end}:{self.operator}:{self.text}"

    def apply(self, source):
        return source[:self.start] + self.text + source[self.end:]


def points(file, text):
    """All of a file, in order."""
    source = cpp.Source(text)
    found = {}
    for maker in (conditions, ternaries, signs, numbers, truths, statements, returns):
        for operator, start, end, choices in maker(source):
            choices = tuple(c for c in choices if c != text[start:end])
            if choices:
                found.setdefault((start, end, operator), Point(file, operator, start, end, choices))
    return [found[key] for key in sorted(found)]


def mutant(point, text, seed):
    """One of the point's choices, the same for the same seed."""
    lot = random.Random(f"{seed}:{point.file}:{point.start}:{point.operator}")
    chosen = lot.choice(point.choices)
    source_lines = text.split("\n")
    line = text.count("\n", 0, point.start) + 1
    changed = (text[:point.start] + chosen + text[point.end:]).split("\n")
    return Mutant(point.file, point.operator, line, point.start, point.end, chosen,
                  source_lines[line - 1].strip(), changed[line - 1].strip())


def in_bodies(source):
    """Tokens that run and may be changed."""
    inside = set()
    for body in source.bodies:
        inside.update(range(body.first, body.end))
    return sorted(inside - source.excluded)


def touched(source, first, last):
    return any(k in source.excluded for k in (first, last))


# --- operators ---

def is_comparison(source, first, last):
    """A single == or !=, which has an operator of its own."""
    k, equal, joined = first, 0, 0
    while k <= last:
        equal += source.words[k] in ("==", "!=")
        joined += source.words[k] in ("&&", "||", "?")
        k = source.over(k)
    return equal == 1 and not joined


def conditions(source):
    for s in source.statements:
        if s.kind not in ("if", "while", "for") or touched(source, s.first, s.last):
            continue
        first, last = condition_in(source, s)
        if first > last or source.word(s.first - 1) == "constexpr":
            continue
        start, end = source.tokens[first].start, source.tokens[last].end
        inner = source.text[start:end]
        assigned = next((k for k in top_level(source, first, last) if source.words[k] == "="), None)
        if assigned is not None:
            # if (const Error error = f()): the question is put behind it. Another declaration has no such place.
            name = source.word(assigned - 1)
            if s.kind == "if" and name.isidentifier() and assigned - first >= 2:
                yield "negate", start, end, (f"{inner}; !{name}",)
        elif not is_comparison(source, first, last):
            yield "negate", start, end, (negated(inner),)


def top_level(source, first, last):
    k = first
    while k <= last:
        yield k
        k = source.over(k)


def condition_in(source, statement):
    """Its first and last token; first > last where there is none."""
    first, last = statement.first + 1, statement.last - 1
    semicolons = [k for k in top_level(source, first, last) if source.words[k] == ";"]
    if statement.kind == "for":
        if len(semicolons) != 2:
            return 1, 0  # over a range
        return semicolons[0] + 1, semicolons[1] - 1
    return (semicolons[-1] + 1 if semicolons else first), last


def negated(text):
    if re.fullmatch(r"!(\w|[.:]|->|\(\))+", text):
        return text[1:]
    return f"!({text})"


def ternaries(source):
    for k in in_bodies(source):
        if source.words[k] != "?":
            continue
        first = k
        while first > 0 and source.words[first - 1] not in BEFORE_CONDITION:
            first = source.opened_by.get(first - 1, first - 1)
        if first < k and not is_comparison(source, first, k - 1):
            start, end = source.tokens[first].start, source.tokens[k - 1].end
            yield "negate", start, end, (negated(source.text[start:end]),)


def signs(source):
    for k in in_bodies(source):
        if source.words[k] in SWAPS and source.spaced(k):
            operator, other = SWAPS[source.words[k]]
            yield operator, source.tokens[k].start, source.tokens[k].end, (other,)


def numbers(source):
    for k in in_bodies(source):
        token = source.tokens[k]
        m = re.fullmatch(r"(0[xX][\da-fA-F']+|\d[\d']*)([a-zA-Z_]*)", token.text) if token.kind == "number" else None
        if m is None or re.match(r"0[bB]", token.text):
            continue
        value = int(m[1].replace("'", ""), 16 if m[1][:2].lower() == "0x" else 10)
        form = "{:#x}" if m[1][:2].lower() == "0x" else "{}"
        near = (value + 1, value - 1) if value > 0 else (value + 1,)
        yield "off-by-one", token.start, token.end, tuple(form.format(n) + m[2] for n in near)


def truths(source):
    for k in in_bodies(source):
        if source.words[k] in ("true", "false") and source.word(k - 1) not in ("return", "co_return"):
            token = source.tokens[k]
            yield "flip", token.start, token.end, ("false" if token.text == "true" else "true",)


def statements(source):
    for s in source.statements:
        if touched(source, s.first, s.last) or s.kind not in ("simple", "jump"):
            continue
        if s.kind == "jump" and s.closing and source.words[s.first] != "break":
            continue  # it would run off the function's end
        if any(source.words[k] == "log_event" for k in range(s.first, s.last)):
            continue
        start, end = source.tokens[s.first].start, source.tokens[s.last].end
        yield "leave-out", start, end, (";" + "\n" * source.text.count("\n", start, end),)


def returns(source):
    for s in source.statements:
        if source.words[s.first] not in ("return", "co_return") or s.last == s.first + 1 or touched(source, s.first, s.last):
            continue
        start, end = source.tokens[s.first + 1].start, source.tokens[s.last - 1].end
        value, rows = source.text[start:end], "\n" * source.text.count("\n", start, end)
        if value in ("true", "false"):
            choices = ("false" if value == "true" else "true",)
        elif re.fullmatch(r"bool|(Task|Result)<bool>", s.body.returns):
            choices = ("true", "false")
        elif not s.body.returns:  # a lambda: what it returns must be seen from the value
            choices = ("true", "false") if source.word(s.first + 1) == "!" or any(
                source.words[k] in SWAPS and source.spaced(k) for k in top_level(source, s.first + 1, s.last - 1)) else ()
        elif value in ("{}", "nullptr", "0", '""', "*this") or s.body.returns == "void" or s.body.returns.endswith("&"):
            continue
        else:
            choices = ("{}",)
        yield "return", start, end, tuple(c + rows for c in choices)
