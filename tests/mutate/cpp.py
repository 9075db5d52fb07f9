"""As much of C++ as the choice of mutation points needs: tokens, brackets, function bodies and their statements.

No parser: it relies on how clang-format lays code out (a binary && has spaces around it, a reference && has not). What it
gets wrong does no harm: the mutant does not compile, and another one is drawn.
"""
import bisect
import dataclasses
import re

LEXEME = re.compile(r"""
    (?P<space>\s+)
  | (?P<comment>//[^\n]* | /\*.*?\*/)
  | (?P<directive>(?:(?<=\n)|\A)[ \t]*\#(?:\\\n|[^\n])*)
  | (?P<string>(?:u8|[uUL])?R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)" | (?:u8|[uUL])?"(?:\\.|[^"\\\n])*")
  | (?P<char>(?:u8|[uUL])?'(?:\\.|[^'\\\n])+')
  | (?P<number>\.?\d(?:[eEpP][+-]|'\w|[\w.])*)
  | (?P<word>[A-Za-z_]\w*)
  | (?P<sign><=>|<<=|>>=|\.\.\.|->\*|->|::|&&|\|\||[=!<>]=|\+\+|--|[-+*/%&|^]=|<<|>>|.)
""", re.X | re.S)
CLOSES = {"(": ")", "[": "]", "{": "}"}
# Between the parameters and the body of a function or lambda.
SPECIFIERS = {"const", "noexcept", "override", "final", "mutable", "constexpr", "try", "&", "&&"}
# What is written in their arguments does not run, or says what must never happen.
UNTOUCHED = {"static_assert", "WEIR_ASSERT", "WEIR_VERIFY", "WEIR_EXPECT", "noexcept", "sizeof", "alignof", "alignas",
             "decltype", "requires", "log_event"}
DECLARATORS = {"const", "constexpr", "static", "auto", "using", "typedef", "struct", "class", "enum", "union", "extern",
               "thread_local", "volatile", "unsigned", "signed", "template", "friend", "alignas", "namespace"}
JUMPS = {"return", "co_return", "break", "continue", "goto", "throw", "co_yield"}


@dataclasses.dataclass
class Token:
    kind: str
    text: str
    start: int
    end: int


@dataclasses.dataclass
class Body:
    """A function's or lambda's body: the tokens between the braces at `first` - 1 and `end`."""
    first: int
    end: int
    returns: str    # the type, "" where it is not written


@dataclasses.dataclass
class Statement:
    first: int      # tokens, both included
    last: int
    kind: str       # simple, jump, declaration, if, while, for, switch, row
    body: Body
    closing: bool = False  # the last of its function


class Source:
    def __init__(self, text):
        self.text = text
        self.tokens = [Token(m.lastgroup if m.lastgroup != "mark" else "string", m[0], m.start(), m.end())
                       for m in LEXEME.finditer(text)]
        self.tokens = [t for t in self.tokens if t.kind not in ("space", "comment", "directive")]
        self.words = [t.text if t.kind in ("word", "sign") else "" for t in self.tokens]
        self.lines = [0] + [m.end() for m in re.finditer("\n", text)]
        self.partner = self._pair()
        self.angles = self._angles()
        self.bodies = []
        self._find_bodies(0, len(self.tokens))
        self.statements = []
        for body in self.bodies:
            self._read_block(body, body.first, body.end, True)
        self.excluded = self._excluded()

    def line_of(self, offset):
        return bisect.bisect_right(self.lines, offset)

    def line(self, number):
        return self.text[self.lines[number - 1]:].split("\n", 1)[0]

    def word(self, k):
        return self.words[k] if 0 <= k < len(self.words) else ""

    def between(self, first, last):
        """The text of the tokens first to last, both included."""
        return self.text[self.tokens[first].start:self.tokens[last].end] if first <= last else ""

    def spaced(self, k):
        """A binary operator, as clang-format writes it."""
        token = self.tokens[k]
        return self.text[token.start - 1:token.start].isspace() and self.text[token.end:token.end + 1].isspace()

    def body_at(self, k):
        """The innermost body that holds token k, or None."""
        holding = [b for b in self.bodies if b.first <= k < b.end]
        return min(holding, key=lambda b: b.end - b.first, default=None)

    def over(self, k):
        """The token behind k, or behind the bracket that k opens."""
        return self.partner.get(k, k) + 1

    # --- brackets ---

    def _pair(self):
        partner, open_ = {}, []
        for k, word in enumerate(self.words):
            if word in CLOSES:
                open_.append(k)
            elif word in CLOSES.values() and open_ and CLOSES[self.words[open_[-1]]] == word:
                partner[k] = open_.pop()
                partner[partner[k]] = k
        # Only forward: over() must not go back.
        self.opened_by = {k: p for k, p in partner.items() if p < k}
        return {k: p for k, p in partner.items() if p > k}

    def _angles(self):
        """Where template arguments open: index of '<' -> index of its '>'."""
        angles = {}
        for k, word in enumerate(self.words):
            if word != "<" or self.word(k - 1) != "template" and (
                    self.text[self.tokens[k].start - 1].isspace() or self.tokens[k - 1].kind != "word"):
                continue
            depth, j = 0, k
            while j < len(self.tokens):
                inner = self.word(j)
                depth += (inner == "<") - (inner == ">") - 2 * (inner == ">>")
                if depth <= 0:
                    angles[k] = j
                    break
                if inner in (";", "{", "}", "||") or inner == "&&" and self.spaced(j):
                    break
                j = self.over(j)
        return angles

    # --- function bodies ---

    def _find_bodies(self, first, end):
        """In what is not itself the body of a function: namespaces, classes, initialisers."""
        k = head = first
        while k < end:
            word = self.words[k]
            if word == "{":
                close = self.partner.get(k, end)
                if self._opens_lambda(k):
                    self._add_body(k, self._type_of_lambda(k))
                    k = close + 1
                    continue
                if self._is_scope(head, k):
                    self._find_bodies(k + 1, close)
                elif self._opens_function(head, k):
                    self._add_body(k, self._type_of_function(head, k))
                else:
                    self._find_bodies(k + 1, close)  # an initialiser: lambdas may be in it
                    k = close + 1
                    continue
                k = head = close + 1
                continue
            if word in (";", "}") or word == ":" and self.word(k - 1) in ("public", "private", "protected"):
                head = k + 1
            k += 1

    def _add_body(self, brace, returns):
        body = Body(brace + 1, self.partner.get(brace, len(self.tokens)), returns)
        self.bodies.append(body)
        for k in range(body.first, body.end):
            if self.words[k] == "{" and self._opens_lambda(k) and not any(b.first == k + 1 for b in self.bodies):
                self._add_body(k, self._type_of_lambda(k))

    def _declared(self, head, k):
        """The declaration's tokens without a leading template <...>."""
        while self.word(head) == "template" and head + 1 in self.angles:
            head = self.angles[head + 1] + 1
            if self.word(head) == "requires":
                head = self.over(head + 1) if self.word(head + 1) == "(" else head + 1
        return head

    def _is_scope(self, head, k):
        for j in range(self._declared(head, k), k):
            if self.words[j] in ("namespace", "class", "struct", "union"):
                return True
            if self.words[j] in ("(", "=", "enum"):
                return self.words[j] == "(" and self.word(j - 1) == "alignas" and self._is_scope(self.over(j), k)
            if self.words[j] == "extern" and self.tokens[j + 1].kind == "string":
                return True
        return False

    def _opens_function(self, head, k):
        j, called = self._declared(head, k), False
        if any(self.words[i] == "enum" for i in range(j, k)):
            return False
        i = j
        while i < k:
            if self.words[i] == "=" and self.word(i - 1) != "operator":
                return False
            called = called or self.words[i] == "("
            i = self.over(i)
        # In a constructor's list of members, `name{...}` is an initialiser.
        return called and not (self.tokens[k - 1].kind == "word" and self.word(k - 2) in (":", ","))

    def _type_of_function(self, head, k):
        """Behind -> if there is one, else before the name."""
        j = self._declared(head, k)
        i, name = j, None
        while i < k:
            if self.words[i] == "(" and name is None:
                name = i
            if self.words[i] == "->":
                return self.between(i + 1, k - 1)
            i = self.over(i)
        if name is None:
            return ""
        i = name - 1
        while i > j and (self.word(i - 1) == "::" or self.words[i] == "::"):
            i -= 1
        return " ".join(t for t in self.between(j, i - 1).replace("\n", " ").split()
                        if t not in ("static", "inline", "constexpr", "virtual", "explicit", "friend", "extern"))

    def _before_body(self, brace):
        """Back over specifiers and a returned type to the ) or ] before a body; and where the type begins."""
        k, returned = brace - 1, None
        for j in range(brace - 1, max(brace - 12, -1), -1):
            if self.words[j] == "->":
                k, returned = j - 1, j + 1
                break
            if self.words[j] in (";", "{", "}", ")", "]", "(", "="):
                break
        while self.word(k) in SPECIFIERS:
            k -= 1
        return k, returned

    def _opens_lambda(self, brace):
        k, _ = self._before_body(brace)
        if self.word(k) == ")" and k in self.opened_by:
            return self.word(self.opened_by[k] - 1) == "]" and self._captures(self.opened_by[k] - 1)
        return self.word(k) == "]" and self._captures(k)

    def _captures(self, close):
        before = self.opened_by.get(close, 0) - 1
        return before < 0 or not (self.tokens[before].kind == "word" and self.words[before] not in JUMPS
                                  or self.word(before) in (")", "]"))

    def _type_of_lambda(self, brace):
        _, returned = self._before_body(brace)
        return self.between(returned, brace - 1) if returned else ""

    # --- statements ---

    def _read_block(self, body, k, end, closing):
        while k < end:
            k = self._read_statement(body, k, end, closing)

    def _read_statement(self, body, k, end, closing=False):
        """Returns the token behind it."""
        if self.words[k] == "[" and self.word(k + 1) == "[" and self.over(k) < end:
            k = self.over(k)  # [[unlikely]]
        word = self.words[k]
        if word == "{":
            close = self.partner.get(k, end)
            self._read_block(body, k + 1, close, closing and close + 1 >= end)
            return close + 1
        if word in ("if", "while", "for", "switch", "catch"):
            j = k + 1
            while j < end and self.words[j] != "(":
                j += 1
            if j >= end:
                return end
            close = self.partner.get(j, end)
            self.statements.append(Statement(j, min(close, end - 1), word, body))
            return close + 1 if self.word(close + 1) == ";" and word == "while" else \
                self._read_statement(body, close + 1, end, closing and word in ("if", "switch")) if close + 1 < end else end
        if word in ("else", "do", "try"):
            return self._read_statement(body, k + 1, end, closing) if k + 1 < end else end
        if word in ("case", "default"):
            while k < end and self.words[k] != ":":
                k = self.over(k)
            return k + 1
        j = k
        while j < end and self.words[j] != ";":
            j = self.over(j)
        if j >= end:
            return end
        if j > k:
            kind = "jump" if word in JUMPS else "declaration" if self._declares(k, j) else "simple"
            if word == "return" and j == k + 2 and self.tokens[k + 1].kind == "string" and self.word(k - 1) == ":":
                kind = "row"  # case 404: return "Not Found"; is a table
            self.statements.append(Statement(k, j, kind, body, closing and j + 1 >= end))
        return j + 1

    def _declares(self, k, end):
        """`Type name`, however the type is written, up to what follows the name."""
        if self.words[k] in DECLARATORS:
            return True
        if self.tokens[k].kind != "word" or self.words[k] in ("delete", "new", "co_await", "throw"):
            return False
        j = k + 1
        while j < end:
            if self.word(j) == "::":
                j += 2
            elif j in self.angles:
                j = self.angles[j] + 1
            else:
                break
        while self.word(j) in ("*", "&", "&&", "const"):
            j += 1
        return j < end and j > k and self.tokens[j].kind == "word" and (
            self.word(j + 1) in ("=", "(", "{", "[", ";", ",", ":"))

    # --- what no mutation touches ---

    def _excluded(self):
        out = set()
        for k, word in enumerate(self.words):
            if word in UNTOUCHED and self.word(k + 1) == "(":
                out.update(range(k, self.over(k + 1)))
            if word == "template" and k + 1 in self.angles:
                out.update(range(k, self.angles[k + 1] + 1))
            if word == "[" and self.word(k + 1) == "[":
                out.update(range(k, self.over(k)))
            if word == "case":
                j = k
                while j < len(self.words) and self.words[j] != ":":
                    j += 1
                out.update(range(k, j))
        for k, close in self.angles.items():
            out.update(range(k, close + 1))
        for s in self.statements:
            constant = s.kind == "declaration" and "constexpr" in self.words[s.first:min(s.first + 8, s.last)]
            if s.kind == "row" or constant or s.kind == "declaration" and self.words[s.first] in ("struct", "enum", "using"):
                out.update(range(s.first, s.last + 1))
            elif s.kind == "declaration":  # bounds of arrays
                k = s.first
                while k < s.last and self.words[k] not in ("=", "{", "("):
                    if self.words[k] == "[":
                        out.update(range(k, self.over(k)))
                    k = self.over(k)
        return out
