#!/usr/bin/env python3
"""Builds and runs the test suites, stage by stage, and adds up what passed and failed.

    tests/run.py                    every stage
    tests/run.py style release      only these
    tests/run.py --cross            the builds for other systems, too, with packaging/cross
    tests/run.py --list             the stages and what they are for

The last line is "N passed, M failed" and the exit status is 1 if anything failed, a build included.
The output of each step is kept in build/logs; that of a failed one is shown.
"""
import argparse
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import re
import resource
import shlex
import signal
import subprocess
import sys
import time

import wine

TOP = pathlib.Path(__file__).resolve().parent.parent
LOGS = TOP / "build" / "logs"
JOBS = os.cpu_count() or 2
ALL = ()


@dataclasses.dataclass
class Stage:
    name: str
    what: str
    tests: tuple = ALL           # names of tests in tests/CMakeLists.txt; ALL: every one
    environment: dict = dataclasses.field(default_factory=dict)
    cross: bool = False          # built for another system with packaging/cross


SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}
STAGES = [
    Stage("release", "every suite as it is shipped, with all simulated seeds"),
    Stage("style", "the repository itself: who includes whom, coroutine rules, file sizes, links"),
    Stage("debug", "the compiler probe and the foundations, not optimised, assertions on",
          ("coro", "base", "reactor", "platform", "backends")),
    Stage("asan", "every suite under the address and undefined-behaviour sanitizers", ALL, SANITIZERS),
    Stage("tsan", "what has threads, under the thread sanitizer",
          ("base", "coro", "reactor", "platform", "backends", "conformance", "daemon", "integration"), SANITIZERS),
    Stage("macos", "compiled and linked for macOS, not run: the headers of the binaries are looked at", cross=True),
    Stage("windows", "every suite and weir.exe itself under wine, with iocp and with select", cross=True),
    Stage("fuzz", "each fuzz target for a few seconds, from its corpus"),
]


@dataclasses.dataclass
class Tally:
    passed: int = 0
    failed: int = 0

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed


def count(output, status):
    """What a test program said about itself; one test if it said nothing."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", output)
    # Catch2: "All tests passed (120 assertions in 14 test cases)", "test cases: 14 | 12 passed | 2 failed"
    if m := re.findall(r"^All tests passed \(.* in (\d+) test cases?\)", text, re.M):
        tally = Tally(int(m[-1]), 0)
    elif m := re.findall(r"^test cases: *(\d+) \|(.*)$", text, re.M):
        words = dict((word, int(n)) for n, word in re.findall(r"(\d+) (passed|failed)", m[-1][1]))
        tally = Tally(words.get("passed", 0), words.get("failed", 0))
    elif m := re.findall(r"^(\d+) passed, (\d+) failed$", text, re.M):
        tally = Tally(int(m[-1][0]), int(m[-1][1]))
    elif re.search(r"^No tests ran", text, re.M):
        return Tally(0, 1)  # a test program without tests proves nothing
    else:
        return Tally(1, 0) if status == 0 else Tally(0, 1)
    if status != 0 and tally.failed == 0:
        tally.failed = 1  # it passed and then died: a sanitizer's report, a crash at exit
    if status == 0 and tally.failed > 0:
        tally.failed += 1  # it failed and did not say so in its status: a broken program
    return tally


def run(argv, log, environment=None, timeout=1800, cwd=TOP):
    """Runs argv with its output in `log`; returns (exit status, output, seconds)."""
    began = time.monotonic()
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "w+", errors="replace") as out:
        out.write(f"$ {shlex.join(map(str, argv))}\n")
        out.flush()
        try:
            status = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, cwd=cwd,
                                    env={**os.environ, **(environment or {})}, timeout=timeout).returncode
        except subprocess.TimeoutExpired:
            out.write(f"\nended after {timeout} s\n")
            status = 124
        except OSError as e:
            out.write(f"\n{e}\n")
            status = 127
        out.flush()
        out.seek(0)
        return status, out.read(), time.monotonic() - began


def cpu_seconds():
    """Of every child process that has ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def show(stage, name, tally, seconds, output=None, lines=60):
    verdict = "ok    " if tally.failed == 0 else "FAILED"
    print(f"{verdict} {stage:8} {name:24} {tally.passed:6} passed {tally.failed:4} failed {seconds:7.1f} s", flush=True)
    if tally.failed and output is not None:
        for line in output.splitlines()[-lines:]:
            print("    | " + line)
        sys.stdout.flush()


def build(stage, targets, options=(), cross=False):
    """Configures and builds; returns None or the tally of a failed build."""
    directory = TOP / "build" / stage
    steps = [("libraries", ["packaging/cross/build-dependencies", stage])] if cross else []
    steps += [("configure", ["cmake", "--preset", stage, "-DWEIR_BUILD_TESTS=ON", "-DWEIR_WERROR=ON", *options]),
              ("build", ["cmake", "--build", str(directory), "-j", str(JOBS), *(["--target", *targets] if targets else [])])]
    for what, argv in steps:
        cpu = cpu_seconds()
        status, output, seconds = run(argv, LOGS / f"{stage}-{what}.log", timeout=7200)
        cpu = cpu_seconds() - cpu
        if status:
            failed = Tally(0, 1)
            show(stage, what, failed, seconds, output)
            return failed
        if what == "build":
            print(f"built  {stage:8} {f'{cpu:.0f} s of CPU time':50} {seconds:7.1f} s", flush=True)
    return None


def registered(stage):
    """The tests CMake knows in that build directory: name → (command, environment, folder, timeout)."""
    r = subprocess.run(["ctest", "--test-dir", str(TOP / "build" / stage), "--show-only=json-v1"], capture_output=True, text=True)
    tests = {}
    for test in json.loads(r.stdout)["tests"] if r.returncode == 0 else []:
        properties = {p["name"]: p["value"] for p in test.get("properties", [])}
        environment = dict(item.split("=", 1) for item in properties.get("ENVIRONMENT", []))
        tests[test["name"]] = (test.get("command"), environment, properties.get("WORKING_DIRECTORY", str(TOP)),
                               float(properties.get("TIMEOUT", 900)))
    return tests


def run_tests(stage, names):
    """Runs tests of a built stage, two at a time, and those of the whole program one by one: each of them keeps the machine
    busy, and under wine two would share one service manager."""
    tests = registered(stage.name)
    total = Tally()
    wanted = [n for n in (names or tests) if n in tests and not n.startswith("style")]  # a stage of its own
    for n in names:
        if n not in tests and n != "integration":
            total.add(Tally(0, 1))
            show(stage.name, n, Tally(0, 1), 0, "no such test in this build")

    def one(name):
        command, environment, folder, timeout = tests[name]
        if not command:
            return name, 127, "the test program was not built", 0.0
        return name, *run(command, LOGS / f"{stage.name}-{name}.log", {**environment, **stage.environment}, timeout, folder)

    whole = [n for n in wanted if n.startswith("integration")]
    for group, jobs in (([n for n in wanted if n not in whole], JOBS), (whole, 1)):
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            for name, status, output, seconds in pool.map(one, group):
                tally = count(output, status)
                show(stage.name, name, tally, seconds, output)
                total.add(tally)
    return total


def style_stage():
    total = Tally()
    compiled = TOP / "build" / "release" / "compile_commands.json"
    tree = [sys.executable, "tests/style/check.py", *(["--compile-commands", compiled] if compiled.exists() else [])]
    for name, argv in (("checker", [sys.executable, "tests/style/test_check.py"]), ("tree", tree),
                       ("runner", [sys.executable, "tests/style/test_run.py"]),
                       ("mutate", [sys.executable, "tests/mutate/test_mutate.py"])):
        status, output, seconds = run(argv, LOGS / f"style-{name}.log")
        tally = count(output, status)
        show("style", name, tally, seconds, output)
        total.add(tally)
    return total


def examples_stage():
    """`weir check` accepts every example and the demonstration's configuration."""
    weir, total = TOP / "build" / "release" / "weir", Tally()
    files = sorted((TOP / "config" / "examples").glob("*.yaml"))
    for file in [*files, TOP / "packaging" / "demo" / "demo.yaml"]:
        status, output, seconds = run([weir, "check", file], LOGS / f"check-{file.stem}.log", None, 30)
        tally = Tally(int(status == 0), int(status != 0))
        total.add(tally)
        if status:
            show("release", f"check {file.name}", tally, seconds, output)
    show("release", "weir check of examples", total, 0)
    return total


def fuzz_stage(seconds):
    folder = TOP / "tests" / "fuzz"
    names = sorted(f.name.removesuffix("_fuzz.cpp") for f in folder.glob("*_fuzz.cpp"))
    if failed := build("fuzz", [f"weir_fuzz_{n}" for n in names]):
        return failed
    total = Tally()

    def one(name):
        found, fresh = LOGS / f"fuzz-{name}", TOP / "build" / "fuzz" / "corpus" / name
        for directory in (found, fresh):
            directory.mkdir(parents=True, exist_ok=True)
        argv = [TOP / "build" / "fuzz" / f"weir_fuzz_{name}", f"-max_total_time={seconds}", "-rss_limit_mb=1024", "-timeout=10",
                "-max_len=8192", f"-dict={folder}/http.dict", f"-artifact_prefix={found}/", fresh, folder / "corpus" / name]
        return name, *run(argv, LOGS / f"fuzz-{name}.log", SANITIZERS, seconds + 120)

    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for name, status, output, took in pool.map(one, names):
            tally = Tally(int(status == 0), int(status != 0))
            show("fuzz", name, tally, took, output)
            total.add(tally)
    return total


def macos_stage():
    """Nothing of it can run here. The conformance suite links what a program for macOS needs of it."""
    total = Tally()

    def step(name, argv, log):
        status, output, seconds = run(argv, LOGS / f"macos-{log}.log", timeout=7200)
        tally = count(output, status)
        if status or not name.startswith("build"):
            show("macos", name, tally, seconds, output)
            total.add(tally)
        else:
            print(f"built  {'macos':8} {name:50} {seconds:7.1f} s", flush=True)
        return status == 0

    step("reader of headers", [sys.executable, "tests/packaging/test_macho.py"], "reader")
    for processor, names in (("arm64", ("weir", "weir_test_conformance")), ("x86_64", ("weir",))):
        target = f"macos-{processor}"
        if step(f"build {processor}", ["packaging/cross/build", target, *names], f"build-{processor}"):
            files = [TOP / "build" / target / name for name in names]
            step(processor, [sys.executable, "tests/packaging/macho.py", processor, "11.0", *files], processor)
    return total


def cmake_stage(stage):
    # A stage with named tests builds their programs alone; `integration` runs the daemon itself.
    names = set(stage.tests)
    targets = [f"weir_test_{n}" for n in stage.tests if not n.startswith("integration")]
    targets += ["weir", "weir_test_child"] if any(n.startswith("integration") for n in names) else []
    if failed := build(stage.name, targets, cross=stage.cross):
        return failed
    if stage.name == "windows":
        with wine.Session(TOP / "build" / stage.name) as environment:
            stage.environment.update(environment)
            return run_tests(stage, stage.tests)
    total = run_tests(stage, stage.tests)
    if stage.name == "release":
        total.add(examples_stage())
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stages", nargs="*", metavar="STAGE")
    parser.add_argument("--list", action="store_true", help="name the stages and end")
    parser.add_argument("--cross", action="store_true", help="with the builds for other systems")
    parser.add_argument("--fuzz-seconds", type=int, default=15, metavar="N", help="for each fuzz target")
    options = parser.parse_args()
    if options.list:
        for stage in STAGES:
            print(f"{stage.name:8} {stage.what}")
        return 0
    known = [s.name for s in STAGES]
    for name in options.stages:
        if name not in known:
            parser.error(f"no stage {name}; there are {', '.join(known)}")
    os.chdir(TOP)
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        # Started by nohup. The tests must not inherit that, which weir respects: a handler is not inherited.
        signal.signal(signal.SIGHUP, lambda *_: None)
    began, total = time.monotonic(), Tally()
    for stage in STAGES:
        if options.stages and stage.name not in options.stages or stage.cross and not (options.stages or options.cross):
            continue
        if stage.name == "style":
            total.add(style_stage())
        elif stage.name == "macos":
            total.add(macos_stage())
        elif stage.name == "fuzz":
            total.add(fuzz_stage(options.fuzz_seconds))
        else:
            total.add(cmake_stage(stage))
    print(f"{time.monotonic() - began:.0f} s; logs in build/logs")
    print(f"{total.passed} passed, {total.failed} failed")
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
