#!/usr/bin/env python3
"""clang-format over changed sources, clang-tidy over every translation unit outside the tests.

    tests/style/lint.py                  both; changed is what is not committed, or not on the upstream branch
    tests/style/lint.py core/http        both, over everything below these paths
    tests/style/lint.py --fix-format     writes what clang-format wants, into every source
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
FOLDERS = ("core", "config", "daemon", "systemd", "tests")


def tool(name):
    """clang-format-19 before clang-format: versions differ in what they write."""
    found = shutil.which(f"{name}-19") or shutil.which(name)
    if not found:
        sys.exit(f"lint: {name} is not installed")
    return found


def sources(below):
    files = [f for folder in FOLDERS for f in sorted((TOP / folder).rglob("*")) if f.suffix in (".cpp", ".hpp")]
    return [f for f in files if not below or any(str(f.relative_to(TOP)).startswith(b) for b in below)]


def changed():
    """Sources that differ from the upstream branch, or without one from the last commit; new ones included."""
    def git(*arguments):
        return subprocess.run(["git", "-C", TOP, *arguments], capture_output=True, text=True)
    base = git("merge-base", "HEAD", "@{upstream}")
    against = base.stdout.strip() if base.returncode == 0 else "HEAD"
    names = git("diff", "--name-only", against).stdout + git("ls-files", "-o", "--exclude-standard").stdout
    return {TOP / name for name in names.splitlines()}


def formatting(files, fix):
    if not files:
        return 0
    clang_format = tool("clang-format")
    if fix:
        subprocess.run([clang_format, "-i", *files], check=True)
        return 0
    r = subprocess.run([clang_format, "--dry-run", "-Werror", *files], capture_output=True, text=True)
    wrong = sorted(set(re.findall(r"^(\S+?):\d+:\d+: error", r.stderr, re.M)))
    for file in wrong:
        print(f"{os.path.relpath(file, TOP)}: not formatted (make format)")
    return len(wrong)


def tidy(files):
    r = subprocess.run(["cmake", "--preset", "lint"], cwd=TOP, capture_output=True, text=True)
    if r.returncode:
        sys.exit(r.stdout + r.stderr)
    database = TOP / "build" / "lint"
    known = {pathlib.Path(e["directory"], e["file"]) for e in json.loads((database / "compile_commands.json").read_text())}
    units = [f for f in files if f in known and not f.is_relative_to(TOP / "tests")]
    clang_tidy, bad, shown = tool("clang-tidy"), 0, set()

    def one(unit):
        return unit, subprocess.run([clang_tidy, "--quiet", "-p", database, unit], cwd=TOP, capture_output=True, text=True)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for unit, r in pool.map(one, units):
            bad += r.returncode != 0
            for finding in re.findall(r"^(/\S+?:\d+:\d+: (?:warning|error): .*)$", r.stdout, re.M):
                if finding not in shown:  # a header is reported by each file that includes it
                    shown.add(finding)
                    print(finding.replace(f"{TOP}/", ""), flush=True)
    print(f"clang-tidy: {len(units)} files, {bad} with findings, {len(shown)} findings")
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("below", nargs="*")
    parser.add_argument("--fix-format", action="store_true")
    parser.add_argument("--only", choices=("format", "tidy"))
    options = parser.parse_args()
    files = sources(options.below)
    bad = 0
    if options.only != "tidy":
        every = options.fix_format or options.below
        bad += formatting(files if every else [f for f in files if f in changed()], options.fix_format)
    if options.only != "format" and not options.fix_format:
        bad += tidy(files)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
