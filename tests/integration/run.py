#!/usr/bin/env python3
"""Runs the integration tests against a weir binary: test classes side by side, each with a weir process of its own, and
after them, one by one, those that say `alone = True`.

    run.py --weir build/release/weir                      everything
    run.py --weir build/release/weir --backend poll --workers 2 test_basic test_bodies.Streaming
    run.py --weir build/windows/weir.exe --under wine --backend iocp

The last line is "N passed, M failed".
"""
import argparse
import concurrent.futures
import importlib
import os
import pathlib
import resource
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent


def flatten(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from flatten(item)
        else:
            yield item


class Quiet(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.passed, self.times, self.began = 0, {}, 0.0

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()

    def stopTest(self, test):
        self.times[test.id()] = time.monotonic() - self.began

    def addSuccess(self, test):
        self.passed += 1

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)


def run_class(tests):
    result = Quiet()
    unittest.TestSuite(tests).run(result)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weir", required=True)
    parser.add_argument("--under", default="", metavar="PROGRAM", help="wine: starts weir, which then is one for Windows")
    parser.add_argument("--child", default="", metavar="PROGRAM", help="weir_test_child, for what needs it")
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--workers", default="1")
    parser.add_argument("--sanitized", action="store_true", help="the binary is slow and large")
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--slowest", type=int, default=0, metavar="N", help="list the slowest tests")
    parser.add_argument("names", nargs="*", help="modules, classes or tests; default all")
    options = parser.parse_args()
    child = str(pathlib.Path(options.child).resolve()) if options.child else ""
    os.environ.update(WEIR=str(pathlib.Path(options.weir).resolve()), WEIR_TEST_CHILD=child,
                      WEIR_TEST_UNDER=options.under, WEIR_TEST_BACKEND=options.backend,
                      WEIR_TEST_WORKERS=options.workers, WEIR_TEST_SANITIZED="1" if options.sanitized else "")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8192)), hard))  # some classes hold a thousand clients
    sys.path.insert(0, str(HERE))
    names = options.names or sorted(path.stem for path in HERE.glob("test_*.py"))
    for name in names:
        importlib.import_module(name.split(".")[0])
    groups = {}
    for test in flatten(unittest.defaultTestLoader.loadTestsFromNames(names)):
        groups.setdefault(type(test), []).append(test)
    alone = [tests for kind, tests in groups.items() if getattr(kind, "alone", False)]
    others = [tests for tests in groups.values() if tests not in alone]
    results = []
    for part, jobs in ((others, options.jobs), (alone, 1)):
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            results += pool.map(run_class, part)

    bad = [entry for result in results for entry in result.failures + result.errors]
    skipped = {reason for result in results for _, reason in result.skipped}
    for test, trace in bad:
        print(f"FAILED {test}\n{trace}")
    for reason in sorted(skipped):
        print(f"skipped: {reason}")
    times = sorted(((s, n) for result in results for n, s in result.times.items()), reverse=True)
    for seconds, name in times[:options.slowest]:
        print(f"{seconds:7.2f} s {name}")
    print(f"{sum(result.passed for result in results)} passed, {len(bad)} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
