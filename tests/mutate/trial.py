"""A scratch copy of the repository in which mutants are built and meet the suites, one after the other.

A trial asks in the order of cost: does it compile, is the object code another, do the units of its folder fail, then every
suite whose program is another than the unmutated one, the quickest first and integration last. Nothing here touches the
checkout. Programs run in a process namespace of their own where the system allows that: a mutant that kills process 1 + 1
kills nobody else's, and leaves nothing behind.
"""
import dataclasses
import hashlib
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

BUILD = "build/mutate"
# Optimised a little: half the time of -O2 to compile, and the simulation runs several times as fast as with -O0. Assertions
# are on, as in the suites under the address sanitizer.
OPTIONS = ["-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_CXX_FLAGS_DEBUG=-O1 -g0",
           "-DWEIR_BUILD_TESTS=ON", "-DWEIR_WERROR=OFF"]
PATIENCE = 5          # times what it takes without a mutation
LEAST = 10.0          # seconds, since other work may share the machine
MEMORY = 8 << 30      # address space and output of a mutant that runs away
OUTPUT = 256 << 20


@dataclasses.dataclass(frozen=True)
class Suite:
    name: str
    programs: tuple          # targets; it is run if one of them is another program than without the mutation
    argv: tuple              # {build}, {tree}, {python}
    environment: tuple = ()
    tests: tuple = ()        # of the integration tests, all when empty
    retry: bool = False      # it meets clocks and kernels: what fails must fail again
    last: bool = False


def unit(name, *arguments, **more):
    program = f"weir_test_{name}"
    return Suite(name, (program,), ("{build}/" + program, "--abort", *arguments), **more)


INTEGRATION = ("{python}", "{tree}/tests/integration/run.py", "--weir", "{build}/weir", "--child", "{build}/weir_test_child")
# Health checks get seconds instead of 90 ms: mutants run on machines that do other work.
PATIENT = (("WEIR_TEST_LIMIT", "40"),)
CORE = ("test_basic", "test_bodies", "test_upgrade", "test_failures", "test_health")
SUITES = [
    *(unit(name) for name in ("base", "coro", "reactor", "backends", "net", "http", "fuzz_corpus", "proxy", "restrictions",
                              "config", "kqueue")),
    unit("daemon", retry=True),
    dataclasses.replace(unit("conformance", "*epoll*"), name="conformance-epoll"),
    unit("conformance", "~[kqueue]~[kqueue-fallbacks]"),
    dataclasses.replace(unit("sim"), name="sim-200", environment=(("WEIR_SIM_SEEDS", "200"),)),
    unit("sim"),
    Suite("allocations", ("weir_bench_allocations",), ("{build}/weir_bench_allocations", "2000")),
    Suite("integration", ("weir",), (*INTEGRATION, "--workers", "2"), PATIENT, retry=True, last=True),
    Suite("integration-poll", ("weir",), (*INTEGRATION, "--backend", "poll"), PATIENT, CORE, retry=True, last=True),
]
# The suites that are asked first, by folder.
FIRST = {
    "core/http": ("http", "fuzz_corpus"),
    "core/coro": ("coro", "reactor"),
    "core/reactor": ("reactor", "conformance-epoll"),
    "core/backends": ("conformance-epoll", "conformance", "reactor", "backends"),
    "core/proxy": ("proxy", "sim-200"),
}


@dataclasses.dataclass
class Verdict:
    outcome: str         # killed, survived, "does not compile", "same code"
    by: str = ""
    how: str = ""        # failed, timed out
    seconds: float = 0.0

    @property
    def counts(self):
        return self.outcome in ("killed", "survived")


def order(file, suites, took):
    """A mutant of `file` meets the suites in this order."""
    own = next((names for folder, names in FIRST.items() if file.startswith(folder + "/")), ())
    def cost(suite):
        rank = own.index(suite.name) if suite.name in own else len(own)
        return suite.last, rank, took.get(suite.name, 0.0)
    return sorted(suites, key=cost)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def repository_files(top):
    """What belongs to the checkout, committed or not."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=top, check=True,
                            capture_output=True, text=True).stdout
    return sorted(name for name in set(listed.split("\0")) if name and (top / name).is_file())


def namespace():
    """The words before a command that put it into a process namespace of its own; none where that is not allowed."""
    # The shell is process 1, which inherits orphans: a test that counts its children must not be.
    shell = ["sh", "-c", '"$@"; exit $?', "sh"]
    for words in (["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", *shell],
                  ["unshare", "--user", "--map-current-user", "--pid", "--fork", "--kill-child", "--mount-proc", *shell]):
        try:
            if subprocess.run([*words, "true"], capture_output=True, timeout=10).returncode == 0:
                return words
        except (OSError, subprocess.TimeoutExpired):
            pass
    return []


def confine():
    for what, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_FSIZE, OUTPUT), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(what)
        resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


class Tree:
    def __init__(self, top, place, words, chosen):
        self.top, self.place, self.words, self.chosen = top, place, words, chosen
        self.build = place / BUILD
        self.log = place.parent / f"{place.name}.log"
        self.suites, self.built, self.users = [], {}, {}
        self.child, self.stopped = None, False

    # --- before the first mutant ---

    def prepare(self):
        """A fresh copy, built without a mutation."""
        self.copy()
        self.place.joinpath(BUILD).mkdir(parents=True, exist_ok=True)
        if not (self.build / "build.ninja").exists():
            linker = ["-DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=lld"] if shutil.which("ld.lld") else []
            self.must(["cmake", "-S", ".", "-B", BUILD, *OPTIONS, *linker])
        self.must(["ninja", "-C", BUILD, "build.ninja"])
        known = {line.split(":")[0] for line in self.ask_ninja("targets", "all")}
        self.suites = [s for s in SUITES if s.name in self.chosen and all(program in known for program in s.programs)]
        programs = sorted({p for s in self.suites for p in s.programs} | {"weir_test_child"})
        if not self.compile(programs, os.cpu_count() or 2):
            sys.exit(f"mutate: the tree does not build without a mutation; see {self.log}")
        self.read_dependencies(programs)
        objects = set().union(*self.users.values())
        self.built = {path: digest(self.build / path) for path in [*programs, *objects]}

    def copy(self):
        wanted = repository_files(self.top)
        for name in wanted:
            source, target = self.top / name, self.place / name
            text = source.read_bytes()
            if not target.exists() or target.read_bytes() != text:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(text)
                shutil.copymode(source, target)
        listing = self.place.parent / f"{self.place.name}.files"
        before = listing.read_text().split("\n") if listing.exists() else []
        for name in set(before) - set(wanted):
            (self.place / name).unlink(missing_ok=True)
        listing.write_text("\n".join(wanted))

    def read_dependencies(self, programs):
        """Which of the programs' objects are compiled from a file or include it."""
        top, target = str(self.place) + os.sep, None
        needed = set(self.ask_ninja("inputs", *programs))
        for line in self.ask_ninja("deps"):
            if line and not line[0].isspace():
                target = line.split(":")[0]
            elif line.strip():
                path = os.path.normpath(self.build / line.strip())
                if path.startswith(top) and target in needed:
                    self.users.setdefault(path[len(top):], set()).add(target)

    def measure(self):
        """What each suite takes without a mutation. It must pass."""
        took = {}
        for suite in self.suites:
            how, took[suite.name] = self.run(suite, 900)
            if how and self.confirm(suite, how, 900):
                sys.exit(f"mutate: {suite.name} {how} without a mutation; see {self.log}")
        return took

    # --- trials ---

    def attempt(self, mutant, took):
        began = time.monotonic()
        path = self.place / mutant.file
        text = path.read_text()
        path.write_text(mutant.apply(text))
        try:
            verdict = self.judge(mutant, took)
        finally:
            path.write_text(text)
        verdict.seconds = time.monotonic() - began
        return verdict

    def judge(self, mutant, took):
        users = self.users.get(mutant.file, set())
        folder = mutant.file.split("/")[1]
        own = {u for u in users if f"/weir_{folder}.dir/" in u or f"/weir_test_{folder}.dir/" in u} or users
        changed = False
        for objects in (own, users - own):
            if not changed and objects:
                if not self.compile(sorted(objects)) or "[-Wreturn-type]" in self.log.read_text():
                    return Verdict("does not compile")
                changed = any(digest(self.build / o) != self.built[o] for o in objects)
        if not changed:
            return Verdict("same code")
        for suite in order(mutant.file, self.suites, took):
            if not self.compile(suite.programs):
                return Verdict("does not compile")
            if all(digest(self.build / p) == self.built[p] for p in suite.programs):
                continue
            limit = max(LEAST, PATIENCE * took[suite.name])
            how, _ = self.run(suite, limit)
            if how and self.confirm(suite, how, limit):
                return Verdict("killed", suite.name, how)
        return Verdict("survived")

    def confirm(self, suite, how, limit):
        """Whether what failed fails again, where chance may have had a hand in it: a machine that does other work."""
        if how == "timed out":
            return self.run(suite, limit)[0] != ""
        if not suite.retry:
            return True
        failed = tuple(dict.fromkeys(re.findall(r"^FAILED \w+ \(([\w.]+)\)", self.log.read_text(), re.M)))
        return all(self.run(dataclasses.replace(suite, tests=failed or suite.tests), limit)[0] for _ in range(2))

    # --- commands ---

    def ask_ninja(self, *what):
        return subprocess.run(["ninja", "-C", BUILD, "-t", *what], cwd=self.place, capture_output=True, text=True,
                              check=True).stdout.splitlines()

    def compile(self, targets, jobs=1):
        cache = {"CCACHE_DIR": str(self.place.parent / "ccache"), "CCACHE_MAXSIZE": "4G",
                 "CCACHE_SLOPPINESS": "include_file_mtime,include_file_ctime"}
        with open(self.log, "w") as out:
            return subprocess.run(["ninja", "-C", BUILD, "-j", str(jobs), *targets], cwd=self.place, stdin=subprocess.DEVNULL,
                                  stdout=out, stderr=subprocess.STDOUT, env={**os.environ, **cache}).returncode == 0

    def must(self, argv):
        with open(self.log, "w") as out:
            if subprocess.run(argv, cwd=self.place, stdout=out, stderr=subprocess.STDOUT).returncode:
                sys.exit(f"mutate: {argv[0]} failed; see {self.log}")

    def run(self, suite, limit):
        """How it failed, "" if it did not; and seconds."""
        began = time.monotonic()
        names = {"build": self.build, "tree": self.place, "python": sys.executable}
        argv = [word.format(**names) for word in (*suite.argv, *suite.tests)]
        scratch = tempfile.mkdtemp(prefix="weir-m")
        environment = {**os.environ, **dict(suite.environment), "TMPDIR": scratch}
        with open(self.log, "w") as out:
            self.child = subprocess.Popen([*self.words, *argv], cwd=self.place, stdin=subprocess.DEVNULL, stdout=out,
                                          stderr=subprocess.STDOUT, env=environment, start_new_session=True,
                                          preexec_fn=confine)
            try:
                how = "failed" if self.child.wait(limit) else ""
            except subprocess.TimeoutExpired:
                how = "timed out"
            finally:
                self.end()  # whatever is left of it
                self.child.wait()
        shutil.rmtree(scratch, ignore_errors=True)
        if self.stopped:
            raise InterruptedError("stopped")
        return how, time.monotonic() - began

    def end(self):
        try:
            os.killpg(self.child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def stop(self):
        """From another thread: no suite is run to its end."""
        self.stopped = True
        if self.child is not None and self.child.returncode is None:
            self.end()


def load_times(file, key):
    """The times measured for the same tree, by suite."""
    try:
        stored = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return stored["took"] if stored.get("key") == key else {}


def store_times(file, key, took):
    pathlib.Path(file).write_text(json.dumps({"key": key, "took": took}))
