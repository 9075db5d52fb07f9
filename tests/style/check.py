#!/usr/bin/env python3
"""Reads the repository and reports what breaks a house rule: one line per finding, file:line: rule: sentence.

    tests/style/check.py [--compile-commands FILE] [TOP]

Each rule is a function from a file (path relative to the top, text) to findings, listed in RULES; test_check.py feeds
every one of them a bad snippet, so that a rule which cannot fail is itself a failure.
"""
import json
import os
import pathlib
import re
import subprocess
import sys

MAX_LINES = 700

# Who may include whom (core/README.md): folder → what it may name. An entry with a dot is a single header.
MODULES = {
    "core/base": ["core/base"],
    "core/coro": ["core/base", "core/coro"],
    "core/reactor": ["core/base", "core/coro", "core/reactor"],
    "core/platform": ["core/base", "core/platform", "core/reactor/op.hpp", "core/reactor/handle.hpp",
                      "core/reactor/backend.hpp", "core/reactor/child.hpp", "core/reactor/restrictions.hpp"],
    "core/backends": ["core/base", "core/coro", "core/reactor", "core/platform", "core/backends"],
    "core/net": ["core/base", "core/coro", "core/reactor", "core/net"],
    "core/http": ["core/base", "core/http"],
    "core/proxy": ["core/base", "core/coro", "core/reactor", "core/net", "core/http", "core/proxy"],
    "config": ["config", "core/base", "core/http", "core/proxy/spec.hpp", "core/proxy/route_order.hpp",
               "core/proxy/template.hpp", "core/platform/program.hpp", "core/reactor/restrictions.hpp",
               "core/reactor/platforms.hpp",
               "core/reactor/capabilities.hpp"],
    "daemon": ["core", "config", "daemon", "systemd", "windows-service"],
    "systemd": ["core/base", "core/platform", "systemd"],
    "windows-service": ["core/base", "core/platform", "windows-service"],
}
# Inside core/proxy: the files at the top are neutral, these folders hold what belongs to a protocol or is chosen by
# configuration. A neutral file includes none of the first kind; no folder includes another.
PROXY_PROTOCOLS = ("h1", "h2", "l4", "filters")
# Neutral files that put the protocols together; each must still do so.
PROXY_COMPOSERS = ("core/proxy/server.cpp",)
LIBRARY_HEADERS = {"yaml-cpp": ("config",), "CLI": ("daemon",), "catch2": ("tests/support",)}

# Where the operating system may be spoken to directly. Tests may, except those that must be deterministic or pure.
OS_FOLDERS = ("core/platform/", "core/backends/", "systemd/", "windows-service/")
OS_FREE_TESTS = ("tests/sim/", "tests/core/http/", "tests/core/proxy/")
OS_HEADERS = re.compile(
    r"^(sys/.*|netinet/.*|arpa/.*|net/.*|linux/.*|mach/.*|unistd\.h|poll\.h|fcntl\.h|netdb\.h|pthread\.h|sched\.h|signal\.h|"
    r"dirent\.h|dlfcn\.h|ifaddrs\.h|spawn\.h|syslog\.h|termios\.h|pwd\.h|grp\.h|ucontext\.h|liburing.*|"
    r"winsock2?\.h|ws2tcpip\.h|mswsock\.h|windows\.h|winsvc\.h|io\.h|process\.h|direct\.h)$", re.I)
OS_MACROS = re.compile(r"\b(__linux__|__linux|__gnu_linux__|__APPLE__|__MACH__|_WIN32|_WIN64|WIN32|__MINGW32__|__CYGWIN__|"
                       r"__FreeBSD__|__OpenBSD__|__NetBSD__|__DragonFly__|__unix__|__unix|_POSIX_VERSION|__ANDROID__)\b")

UNFINISHED = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK"]) + r")\b")
# Paths of one machine and hosts that packages are fetched from; split, so that this file does not find itself.
MACHINE = re.compile(r"(?<![\w.])/(wo" + r"rk|ro" + r"ot|home/[a-z]+|tmp/b-\w+)/|\.lib" + r"rary/|"
                     r"(registry\.npm" + r"js|py" + r"pi\.org|crates\.i" + r"o|deb\.deb" + r"ian\.org|proxy\.gol" + r"ang\.org|"
                     r"artifact" + r"ory|nex" + r"us\.)", re.I)

CODE = (".cpp", ".hpp", ".h", ".c")
SCRIPTS = (".py", ".sh", ".cmake")
TEXT = CODE + SCRIPTS + (".md", ".yaml", ".yml", ".json", ".txt", ".clang-tidy", ".clang-format", ".editorconfig")


class Finding:
    def __init__(self, path, line, rule, sentence):
        self.path, self.line, self.rule, self.sentence = path, line, rule, sentence

    def __str__(self):
        return f"{self.path}:{self.line}: {self.rule}: {self.sentence}"


def blank(match):
    """White space of the same shape, so that offsets and line numbers stay."""
    return re.sub(r"[^\n]", " ", match.group(0))


def without_comments(text, strings=True):
    """C++ text with comments, and the insides of string and character literals, blanked."""
    pattern = r'R"(\w*)\(.*?\)\1"|//[^\n]*|/\*.*?\*/'
    if strings:
        pattern += r'|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\''
        return re.sub(pattern, blank, text, flags=re.S)
    # Keep strings: match them first and put them back.
    keep = r'("(?:\\.|[^"\\\n])*")|' + pattern
    return re.sub(keep, lambda m: m.group(1) or blank(m), text, flags=re.S)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def module_of(path):
    return next((m for m in sorted(MODULES, key=len, reverse=True) if path.startswith(m + "/")), None)


def includes(text):
    for m in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', without_comments(text, strings=False), re.M):
        yield line_of(text, m.start()), m.group(1), m.group(2)


# --- rules -----------------------------------------------------------------------------------------------------------

def include_direction(path, text, top=None):
    if not path.endswith(CODE):
        return
    module = module_of(path)
    for line, kind, name in includes(text):
        library = name.split("/")[0]
        if library in LIBRARY_HEADERS and not path.startswith(LIBRARY_HEADERS[library]):
            yield Finding(path, line, "include", f"<{name}> belongs to {', '.join(LIBRARY_HEADERS[library])} only")
        if kind != '"':
            if name.startswith(("core/", "config/", "daemon/")):
                yield Finding(path, line, "include", f"write \"{name}\" with quotes")
            continue
        if top is not None and not (top / name).is_file():
            yield Finding(path, line, "include", f"\"{name}\" is not a file; paths start at the top of the repository")
        if module is None:
            continue
        allowed = MODULES[module]
        if not any(name == a or name.startswith(a + "/") for a in allowed):
            yield Finding(path, line, "include", f"{module} must not include \"{name}\"; it may include {', '.join(allowed)}")


def proxy_folder(path):
    """The folder inside core/proxy that a path is in; empty for a neutral file, None outside of core/proxy."""
    parts = path.split("/")
    if parts[:2] != ["core", "proxy"]:
        return None
    return parts[2] if len(parts) > 3 else ""


def proxy_layers(path, text):
    folder = proxy_folder(path)
    if not path.endswith(CODE) or folder is None or path in PROXY_COMPOSERS:
        return
    for line, _, name in includes(text):
        other = proxy_folder(name)
        if folder == "" and other in PROXY_PROTOCOLS:
            yield Finding(path, line, "layer", f"a neutral file must not include \"{name}\"")
        elif folder and other and other != folder:
            yield Finding(path, line, "layer", f"core/proxy/{folder} must not include \"{name}\"; only neutral files and its own")


def os_free(path, text):
    if not path.endswith(CODE) or path.startswith(OS_FOLDERS):
        return
    if path.startswith("tests/") and not path.startswith(OS_FREE_TESTS):
        return
    for line, kind, name in includes(text):
        if kind == "<" and OS_HEADERS.match(name):
            yield Finding(path, line, "os", f"<{name}> outside {', '.join(OS_FOLDERS)}")
    plain = without_comments(text)
    for m in OS_MACROS.finditer(plain):
        yield Finding(path, line_of(plain, m.start()), "os", f"{m.group(0)} outside {', '.join(OS_FOLDERS)}")


def blocking_waits(path, text):
    """GCC 12's library loses notifications of atomics where the system has no futex, and builds these on them."""
    if not path.endswith(CODE):
        return
    plain = without_comments(text)
    for m in re.finditer(r"\.wait\([^;{}]*\bstd::memory_order_|\bstd::(?:binary_semaphore|counting_semaphore|latch|barrier)\b|"
                         r"\batomic_(?:wait|notify)_\w+|\batomic_(?:wait|notify)\b", plain):
        yield Finding(path, line_of(plain, m.start()), "wait", f"{m.group(0).strip()}: use a mutex and a condition variable")


def file_size(path, text):
    if path.endswith(CODE + SCRIPTS) and (lines := text.count("\n")) > MAX_LINES:
        yield Finding(path, lines, "size", f"{lines} lines; {MAX_LINES} are the most a file may have")


def header_form(path, text):
    if not path.endswith(".hpp"):
        return
    lines = text.splitlines()
    if not lines or lines[0] != "#pragma once":
        yield Finding(path, 1, "header", "the first line of a header is #pragma once")
    if len(lines) < 2 or not re.match(r"// \S", lines[1]):
        yield Finding(path, 2, "header", "a header starts with a paragraph: what it owns, on which thread, what it never does")


def unfinished(path, text):
    for m in UNFINISHED.finditer(text):
        yield Finding(path, line_of(text, m.start()), "unfinished", f"{m.group(0)}: finish it, or open an issue and say nothing here")


def machine_paths(path, text):
    for m in MACHINE.finditer(text):
        yield Finding(path, line_of(text, m.start()), "machine", f"{m.group(0).strip()}: a path or host of one machine")


def text_form(path, text):
    if text and not text.endswith("\n"):
        yield Finding(path, text.count("\n") + 1, "text", "no line feed at the end of the file")
    for number, line in enumerate(text.split("\n"), 1):
        if line != line.rstrip():
            yield Finding(path, number, "text", "white space at the end of the line")
        if "\t" in line and path.endswith(CODE + (".py", ".md", ".yaml")):
            yield Finding(path, number, "text", "a tab")


def balanced(text, start):
    """Offset behind the bracket that closes the one at `start`."""
    pairs, depth = {"(": ")", "{": "}", "[": "]"}, 0
    opening, closing = text[start], pairs[text[start]]
    for at in range(start, len(text)):
        if text[at] == opening:
            depth += 1
        elif text[at] == closing:
            depth -= 1
            if depth == 0:
                return at + 1
    return len(text)


def without_brackets(text):
    """The text without what stands in round brackets."""
    while (shorter := re.sub(r"\([^()]*\)", "", text)) != text:
        text = shorter
    return text


LAMBDA = re.compile(r"(?<![\w\]\[)>])\[(?!\[)([^\[\]]*)\]\s*(?:<[^<>]*>\s*)?(?=[({]|mutable|->)")
AWAIT = re.compile(r"(?<!operator )\bco_(await|return|yield)\b")


def lambdas(plain):
    """(offset, captures, body) of each lambda in comment-free text."""
    for m in LAMBDA.finditer(plain):
        at = m.end()
        if plain[at:at + 1] == "(":
            at = balanced(plain, at)
        brace = re.compile(r"[^;{}()]*\{").match(plain, at)
        if not brace:
            continue
        end = balanced(plain, brace.end() - 1)
        yield m.start(), m.group(1).strip(), brace.end(), end


def coroutine_forms(path, text):
    """The forms that GCC 12 or clang miscompile: core/coro/README.md."""
    if not path.endswith(CODE) or "co_" not in text:
        return
    plain = without_comments(text)

    def found(offset, sentence):
        return Finding(path, line_of(plain, offset), "coroutine", sentence)

    for m in re.finditer(r"\b(REQUIRE|CHECK|REQUIRE_FALSE|CHECK_FALSE|REQUIRE_THAT|CHECK_THAT|INFO|CAPTURE|WEIR_ASSERT|WEIR_VERIFY|"
                         r"WEIR_EXPECT|assert)\s*(\()", plain):
        if AWAIT.search(plain, m.end(2), balanced(plain, m.start(2))):
            yield found(m.start(), f"co_await inside {m.group(1)}(): await into a named local first")
    for m in re.finditer(r"\bauto\s*&{0,2}\s*\[[^\[\]]*\]\s*=\s*co_await\b", plain):
        yield found(m.start(), "a structured binding from co_await: name the result, then bind by reference")
    for m in re.finditer(r"\bcatch\s*\([^)]*\)\s*(\{)", plain):
        if re.compile(r"\bco_await\b").search(plain, m.start(1), balanced(plain, m.start(1))):
            yield found(m.start(), "co_await in a catch block")
    for m in re.finditer(r"[\w>)=,(]\s?\{\s*co_await\b", plain):
        # `{co_await` behind a name is an initialiser list; a block has a space behind its brace.
        if re.match(r"[\w>)]\{co_await|[=,(]\s?\{", m.group(0)):
            yield found(m.start(), "co_await in an initialiser list")
    for m in re.finditer(r"\bco_await\b", plain):
        begin = max(plain.rfind(c, 0, m.start()) for c in ";{}") + 1
        end = min((i for i in (plain.find(c, m.end()) for c in ";{}") if i >= 0), default=len(plain))
        # What stands in the awaited call's own arguments is judged apart: a scalar made there is allowed.
        statement = plain[begin:m.end()] + without_brackets(plain[m.end():end])
        if len(re.findall(r"\bco_await\b", plain[begin:end])) > 1 and plain.find("co_await", begin) == m.start():
            yield found(m.start(), "two co_await in one statement")
        if re.search(r"\|\||(?<=[\w)\]])\s+&&\s", statement):
            yield found(m.start(), "co_await in an operand of && or ||")
        if "?" in statement:
            yield found(m.start(), "co_await in a conditional expression")
    for m in re.finditer(r"\b(if|while|switch|for)\s*(?:constexpr\s*)?(\()", plain):
        if AWAIT.search(plain, m.end(2), balanced(plain, m.start(2))):
            yield found(m.start(), f"co_await in the condition of {m.group(1)}: await into a named local first")
    inner = list(lambdas(plain))
    for start, captures, begin, end in inner:
        body = plain[begin:end]
        for s, _, b, e in inner:  # what nested lambdas await is theirs
            if begin <= s and e <= end:
                body = body[:b - begin] + " " * (e - b) + body[e - begin:]
        if captures and AWAIT.search(body):
            yield found(start, f"a coroutine lambda that captures [{captures}]: captures die with the lambda, pass parameters")


def links(path, text, top=None):
    """Relative links in Markdown lead to files."""
    if not path.endswith(".md") or top is None:
        return
    fenced = re.sub(r"^```.*?^```", blank, text, flags=re.S | re.M)
    for m in re.finditer(r"\]\(([^)\s]+)\)", fenced):
        target = m.group(1).split("#")[0]
        if target and not re.match(r"[a-z]+:", target) and not (top / path).parent.joinpath(target).exists():
            yield Finding(path, line_of(text, m.start()), "link", f"{m.group(1)} does not exist")


RULES = [include_direction, proxy_layers, os_free, blocking_waits, file_size, header_form, unfinished, machine_paths, text_form,
         coroutine_forms, links]
WITH_TOP = (include_direction, links)


# --- rules over the whole tree ---------------------------------------------------------------------------------------

def tests_are_built(files, compiled):
    """Every test source is compiled by some target. `compiled`: paths that the build knows, or None."""
    foreign = ("/posix/",) if os.name == "nt" else ("/windows/",)  # built for that system only, by the same globs
    if sys.platform != "linux":
        foreign += ("/linux/", "tests/systemd/probe/")
    optional = "tests/core/backends/kqueue/"  # built where pkg-config finds libkqueue
    for path in files:
        if any(part in path for part in foreign) or path.startswith(optional):
            continue
        if path.startswith("tests/") and path.endswith(".cpp"):
            if path.startswith(("tests/fuzz/", "tests/bench/")):
                folder = path.rsplit("/", 1)[0]
                name = path.rsplit("/", 1)[1]
                cmake = files.get(f"{folder}/CMakeLists.txt", "")
                if name not in cmake and "GLOB" not in cmake:
                    yield Finding(path, 1, "unbuilt", f"{folder}/CMakeLists.txt does not name it")
            elif compiled is not None and path not in compiled:
                yield Finding(path, 1, "unbuilt", "no target compiles this test")


def examples_are_loaded(files):
    """A test walks config/examples, or names each file."""
    sources = "".join(text for path, text in files.items() if path.startswith("tests/") and path.endswith((".cpp", ".txt")))
    walks = re.search(r"directory_iterator\([^;]*\bexamples\b", sources)
    for path in files:
        if path.startswith("config/examples/") and path.endswith(".yaml") and not walks and path.rsplit("/", 1)[1] not in sources:
            yield Finding(path, 1, "example", "no test loads this example")


def skips_name_rows(files):
    """In the suites of backends a test that does nothing says by which row of the restriction table, or by which gap."""
    rows = set(re.findall(r'Row\{\{"([a-z0-9-]+)"', files.get("core/reactor/restrictions.cpp", "")))
    for path, text in files.items():
        if not path.startswith(("tests/conformance/", "tests/restrictions/")) or not path.endswith(CODE):
            continue
        plain = without_comments(text, strings=False)
        for m in re.finditer(r"\b(SKIP|SUCCEED)\s*(\()", plain):
            said = plain[m.start(2):balanced(plain, m.start(2))]
            if not re.search(r"\bgap\b|restriction\(", said) and not any(row in said for row in rows):
                yield Finding(path, line_of(plain, m.start()), "skip",
                              f"{m.group(1)} without a row of core/reactor/restrictions.cpp")


def composers_compose(files):
    """A file that may include protocols does so; otherwise its entry is out of date."""
    for path in PROXY_COMPOSERS:
        names = [name for _, _, name in includes(files.get(path, ""))]
        if not any(proxy_folder(name) in PROXY_PROTOCOLS for name in names):
            yield Finding(path, 1, "layer", "includes no protocol: take it out of PROXY_COMPOSERS in tests/style/check.py")


def map_is_complete(files):
    """core/README.md has a row for every folder under core/."""
    text = files.get("core/README.md", "")
    for folder in sorted({p.split("/")[1] for p in files if p.startswith("core/") and p.count("/") >= 2}):
        if f"`{folder}/`" not in text:
            yield Finding("core/README.md", 1, "map", f"does not mention `{folder}/`")


# --- reading the tree ------------------------------------------------------------------------------------------------

SKIPPED = {".git", "build", "__pycache__", "corpus"}


def is_text(path):
    name = path.rsplit("/", 1)[-1]
    return name.endswith(TEXT) or name in ("Makefile", "run", "install-dependencies", ".gitignore")


def read_tree(top):
    """path → text of the files that belong to the repository: tracked or new, not ignored."""
    listed = subprocess.run(["git", "-C", top, "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True)
    if listed.returncode == 0 and listed.stdout:
        names = listed.stdout.splitlines()
    else:  # an exported tree without .git
        names = []
        for folder, folders, found in os.walk(top):
            folders[:] = [f for f in folders if f not in SKIPPED]
            names += [os.path.relpath(os.path.join(folder, f), top) for f in found]
    files = {}
    for name in sorted(names):
        if not is_text(name) or set(name.split("/")) & SKIPPED or not (top / name).is_file():
            continue
        data = (top / name).read_bytes()
        if b"\0" not in data:
            files[name] = data.decode("utf-8", errors="replace")
    return files


def check(files, top=None, compiled=None):
    findings = []
    for path, text in files.items():
        for rule in RULES:
            findings += rule(path, text, top) if rule in WITH_TOP else rule(path, text)
    findings += tests_are_built(files, compiled)
    findings += examples_are_loaded(files)
    findings += map_is_complete(files)
    findings += skips_name_rows(files)
    findings += composers_compose(files)
    return findings


def compiled_files(file, top):
    entries = json.loads(pathlib.Path(file).read_text())
    return {os.path.relpath(os.path.join(e["directory"], e["file"]), top) for e in entries}


def main(argv):
    compiled_from = None
    if "--compile-commands" in argv:
        at = argv.index("--compile-commands")
        compiled_from = argv[at + 1]
        del argv[at:at + 2]
    top = pathlib.Path(argv[1] if len(argv) > 1 else pathlib.Path(__file__).resolve().parent.parent.parent)
    compiled = compiled_files(compiled_from, top) if compiled_from else None
    files = read_tree(top)
    if len(files) < 10:
        print(f"{top} holds {len(files)} files: not the repository")
        return 1
    findings = check(files, top, compiled)
    for finding in findings:
        print(finding)
    broken = {f.path for f in findings}
    print(f"{len(files)} files, {len(RULES) + 5} rules, {len(findings)} findings")
    print(f"{len(RULES) + 5 - len({f.rule for f in findings})} passed, {len({f.rule for f in findings})} failed")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
