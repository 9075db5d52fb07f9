#!/usr/bin/env python3
"""Changes the engine a little at random places and asks whether a suite notices. What none notices is a missing test.

    tests/mutate/mutate.py                          150 mutants of seed 1
    tests/mutate/mutate.py --seed 7 --count 40
    tests/mutate/mutate.py --only core/http --only core/backends/readiness.cpp
    tests/mutate/mutate.py --list --count 20        shows them and runs nothing

A run that was stopped goes on where it was when it is started again, and one over the same sources tries only the survivors
again when tests have changed. The state is in build/mutate. Survivors that are explained in tests/mutate/survivors.md are
listed apart. The exit status is 1 if fewer than 90 of 100 mutants are killed or a survivor is not explained.
"""
import argparse
import concurrent.futures
import dataclasses
import difflib
import hashlib
import json
import pathlib
import queue
import random
import re
import resource
import signal
import sys
import time

import operators
import trial

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
STATE = TOP / "build" / "mutate"
SCOPE = ("core/proxy/", "core/http/", "core/coro/", "core/reactor/", "core/backends/readiness.")
EXPLAINED = "tests/mutate/survivors.md"
NEEDED = 0.9


def in_scope(name, only):
    return name.endswith((".cpp", ".hpp")) and name.startswith(SCOPE) and (not only or name.startswith(tuple(only)))


def digest_of(files, top):
    """Of names and contents."""
    total = hashlib.sha256()
    for name in files:
        total.update(name.encode() + b"\0" + (top / name).read_bytes() + b"\0")
    return total.hexdigest()[:16]


def draw(sources, seed):
    """Every mutant there is, in the seed's order; one for each point."""
    found = [(p, text) for file, text in sorted(sources.items()) for p in operators.points(file, text)]
    random.Random(seed).shuffle(found)
    return [operators.mutant(p, text, seed) for p, text in found]


# --- explained survivors ---

@dataclasses.dataclass(frozen=True)
class Explanation:
    file: str
    operator: str
    before: str
    after: str
    reason: str


def explanations(text):
    """Of survivors.md: a heading for each file, and for each survivor `- operator `line` becomes `line`: reason`."""
    found, file = [], None
    for paragraph in re.split(r"\n(?=- |#|\n)", text):
        paragraph = " ".join(paragraph.split())
        if m := re.fullmatch(r"## (\S+)", paragraph):
            file = m[1]
        elif file and paragraph.startswith("- "):
            m = re.fullmatch(r"- (\S+) (`+)(.+?)\2 becomes (`+)(.+?)\4: (.+)", paragraph)
            if m is None:
                raise ValueError(f"{EXPLAINED}: not `- operator `line` becomes `line`: reason`: {paragraph}")
            found.append(Explanation(file, m[1], m[3].strip(), m[5].strip(), m[6]))
    return found


def explanation_of(mutant, known):
    squeezed = " ".join(mutant.before.split()), " ".join(mutant.after.split())
    return next((e for e in known if (e.file, e.operator) == (mutant.file, mutant.operator)
                 and (e.before, e.after) == squeezed), None)


# --- what was found ---

class Results:
    """A line for each mutant in a file that outlives the run. Survivors are forgotten when the tests have changed."""

    def __init__(self, file, sources, tests):
        self.file, self.verdicts = file, {}
        head = {"sources": sources, "tests": tests}
        lines = file.read_text().splitlines() if file.exists() else []
        old = json.loads(lines[0]) if lines else head
        if old["sources"] == sources:
            for line in lines[1:]:
                if not line.endswith("}"):
                    continue  # the run was stopped in the middle of it
                entry = json.loads(line)
                if old["tests"] == tests or entry["outcome"] != "survived":
                    key = entry.pop("key")
                    self.verdicts[key] = trial.Verdict(**entry)
        file.parent.mkdir(parents=True, exist_ok=True)
        self.out = open(file, "w")
        self.write(head)
        for key, verdict in self.verdicts.items():
            self.write({"key": key, **dataclasses.asdict(verdict)})

    def write(self, entry):
        self.out.write(json.dumps(entry) + "\n")
        self.out.flush()

    def add(self, mutant, verdict):
        self.verdicts[mutant.key] = verdict
        self.write({"key": mutant.key, **dataclasses.asdict(verdict)})


def run(mutants, count, results, trees, took, show):
    """Tries mutants in their order until `count` of them count; returns those."""
    free = queue.Queue()
    for tree in trees:
        free.put(tree)
    tried, counted, waiting = [], 0, {}
    left = iter(mutants)

    def one(mutant):
        tree = free.get()
        try:
            return tree.attempt(mutant, took)
        finally:
            free.put(tree)

    pool = concurrent.futures.ThreadPoolExecutor(len(trees))
    try:
        while True:
            # As many as are sure to be needed: which ones are tried depends on the seed alone.
            while counted + len(waiting) < count and len(waiting) < len(trees):
                mutant = next(left, None)
                if mutant is None:
                    break
                tried.append(mutant)
                if mutant.key in results.verdicts:
                    counted += results.verdicts[mutant.key].counts
                else:
                    waiting[pool.submit(one, mutant)] = mutant
            if not waiting:
                break
            done, _ = concurrent.futures.wait(waiting, return_when=concurrent.futures.FIRST_COMPLETED)
            for future in done:
                mutant, verdict = waiting.pop(future), future.result()
                results.add(mutant, verdict)
                counted += verdict.counts
                show(mutant, verdict, counted)
    finally:
        for tree in trees:
            tree.stop()
        pool.shutdown(cancel_futures=True)
    return [m for m in tried if results.verdicts[m.key].counts]


def diff(mutant, text):
    lines = difflib.unified_diff(text.splitlines(True), mutant.apply(text).splitlines(True), "a/" + mutant.file,
                                 "b/" + mutant.file, n=2)
    return "".join(lines)


def report(counted, results, sources, known):
    """Prints it; returns the exit status."""
    survivors = [m for m in counted if results.verdicts[m.key].outcome == "survived"]
    reasons = {m: explanation_of(m, known) for m in survivors}
    for m in survivors:
        if reasons[m] is None:
            print(f"\nSURVIVED {m.file}:{m.line} {m.operator} ({operators.OPERATORS[m.operator]})")
            print(f"  {m.before}\n  {m.after}\n{diff(m, sources[m.file])}")
    for m in survivors:
        if reasons[m]:
            print(f"explained: {m.file}:{m.line} {m.operator}: {m.after}\n  {reasons[m].reason}")
    by = {}
    for m in counted:
        verdict = results.verdicts[m.key]
        if verdict.outcome == "killed":
            by[verdict.by] = by.get(verdict.by, 0) + 1
    print("\nkilled by: " + ", ".join(f"{name} {n}" for name, n in sorted(by.items(), key=lambda item: -item[1])))
    seconds = sum(v.seconds for v in results.verdicts.values())
    others = len(results.verdicts) - len(counted)
    print(f"{seconds / max(len(counted), 1):.1f} s for each, with {others} that did not compile or changed no code")
    unexplained = sum(reason is None for reason in reasons.values())
    killed = len(counted) - len(survivors)
    print(f"{killed} of {len(counted)} killed ({100 * killed / max(len(counted), 1):.0f} %), {len(survivors)} survived, "
          f"{unexplained} of them not explained in {EXPLAINED}")
    return 1 if unexplained or killed < NEEDED * len(counted) or not counted else 0


def read_arguments():
    suites = [suite.name for suite in trial.SUITES]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=150, help="mutants that compile and change the code")
    parser.add_argument("--only", action="append", default=[], metavar="PATH", help="a folder or file of those in question")
    parser.add_argument("--suites", metavar="NAMES", type=lambda text: text.split(","), default=suites,
                        help="with commas between; fewer are quicker, and kill less. All: " + ",".join(suites))
    parser.add_argument("--jobs", type=int, default=2, help="scratch trees side by side")
    parser.add_argument("--list", action="store_true", help="shows the first mutants and runs nothing")
    options = parser.parse_args()
    if unknown := set(options.suites) - set(suites):
        parser.error("no suite " + ", ".join(sorted(unknown)))
    options.place = "-".join([f"seed-{options.seed}", *(path.strip("/").replace("/", ".") for path in sorted(options.only)),
                              *(["of", *sorted(options.suites)] if options.suites != suites else [])])
    return options


def prepare(options, digest):
    """The trees, built and measured: they and what each suite takes. `digest` stands for all that is built."""
    began = time.monotonic()
    print("building without a mutation", flush=True)
    words = trial.namespace()
    trees = [trial.Tree(TOP, STATE / f"tree-{n + 1}", words, options.suites) for n in range(options.jobs)]
    for tree in trees:
        tree.prepare()
    took = trial.load_times(STATE / "times.json", digest)
    if not {s.name for s in trees[0].suites} <= set(took):
        print("running the suites without a mutation", flush=True)
        took |= trees[0].measure()
        trial.store_times(STATE / "times.json", digest, took)
    print("seconds: " + ", ".join(f"{name} {s:.1f}" for name, s in took.items()))
    print(f"ready after {time.monotonic() - began:.0f} s", flush=True)
    return trees, took


def main():
    options = read_arguments()
    files = trial.repository_files(TOP)
    names = [name for name in files if in_scope(name, options.only)]
    sources = {name: (TOP / name).read_text() for name in names}
    mutants = draw(sources, options.seed)
    if not mutants:
        sys.exit("mutate: nothing to change there; it may be in " + ", ".join(SCOPE))
    if options.list:
        for m in mutants[:options.count]:
            print(f"{m.file}:{m.line} {m.operator}\n  {m.before}\n  {m.after}")
        return 0
    known = explanations((TOP / EXPLAINED).read_text())
    tool = [f"tests/mutate/{name}.py" for name in ("cpp", "operators")]
    built = [name for name in files if name.startswith(("core/", "config/", "daemon/", "tests/"))
             and not name.startswith("tests/mutate/")]
    results = Results(STATE / options.place / "results.jsonl", digest_of([*names, *tool], TOP),
                      digest_of([name for name in built if name not in names], TOP))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit("mutate: stopped; the same command goes on from here"))
    trees, took = prepare(options, digest_of(built, TOP))
    began = time.monotonic()

    def show(mutant, verdict, counted):
        by = f" by {verdict.by}" if verdict.by else ""
        late = ", timed out" if verdict.how == "timed out" else ""
        print(f"{counted:4}/{options.count} {verdict.seconds:6.1f} s  {verdict.outcome + by + late:34} "
              f"{mutant.file}:{mutant.line} {mutant.operator}", flush=True)

    counted = run(mutants, options.count, results, trees, took, show)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{time.monotonic() - began:.0f} s; {used.ru_utime + used.ru_stime:.0f} s of processor time with the preparation")
    return report(counted, results, sources, known)


if __name__ == "__main__":
    sys.exit(main())
