#!/usr/bin/env python3
"""Tries weir's unit with a real systemd, in a machine that another program boots.

    tests/integration/systemd/run.py --machine "COMMAND" [PART ...]

COMMAND boots a system with systemd that sees this working tree at /src/weir, read-only, and the loopback interface, runs
its arguments there as root and ends with their exit status. Never on a machine that is used for anything else: it
installs /usr/bin/weir and units. Parts (default: all; tests/integration/systemd/inside.sh has one function for each):

    probe      notify, watchdog, store and activation with weir_systemd_probe, a service that uses systemd/ alone
    sandbox    weir as user weir on port 80 under the whole of the unit's hardening, with a script as health check
    reload     the reload types of this systemd: what `systemctl reload` says of each
    service    start, status, reload, refused configuration, watchdog, restart with the store, activation, journal

The last line is "N passed, M failed".
"""
import argparse
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[3]
STAGED = TOP / "build" / "systemd-machine"
PARTS = ("probe", "sandbox", "reload", "service")


def stage(build):
    """The programs and the libraries that a bare system does not have, where the machine sees them."""
    shutil.rmtree(STAGED, ignore_errors=True)
    (STAGED / "lib").mkdir(parents=True)
    for name in ("weir", "weir_systemd_probe"):
        program = build / name
        if not program.exists():
            sys.exit(f"{program} is missing: build the target {name}")
        shutil.copy2(program, STAGED / name)
        linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        for library in re.findall(r"=> (/\S+)", linked):
            shutil.copy2(os.path.realpath(library), STAGED / "lib" / pathlib.Path(library).name)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--machine", required=True, metavar="COMMAND")
    parser.add_argument("--build", type=pathlib.Path, default=TOP / "build" / "release", metavar="DIRECTORY")
    parser.add_argument("parts", nargs="*", metavar="PART")
    options = parser.parse_args()
    for part in options.parts:
        if part not in PARTS:
            parser.error(f"no part {part}; there are {', '.join(PARTS)}")
    stage(options.build.resolve())
    inside = "/src/weir/tests/integration/systemd/inside.sh"
    r = subprocess.run([*shlex.split(options.machine), "bash", inside, *(options.parts or PARTS)], cwd=TOP)
    return r.returncode


if __name__ == "__main__":
    sys.exit(main())
