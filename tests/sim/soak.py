#!/usr/bin/env python3
"""Runs fresh seeds of the engine's simulation for as long as one has time, in one process per core.

    soak.py                       ten minutes, from a random first seed
    soak.py 60                    sixty minutes
    soak.py --seeds 300000        so many seeds, however long they take
    soak.py 60 --first 1000001    from that seed on
    soak.py 60 --jobs 8 --program build/asan/weir_test_sim

A seed that fails is printed with what went wrong and how to run it again, and the soak goes on. The last line is
"N seeds clean, M failed", with how many ran in a second; the exit status is 1 if one failed. Interrupting it (Ctrl-C)
ends it in order.
"""
import argparse
import concurrent.futures
import os
import pathlib
import random
import subprocess
import sys
import threading
import time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
CASE = "whatever clients*"
BATCH = 200             # seeds per process: enough to hide its start, few enough to end soon
PATIENCE = 1800         # seconds for a batch: a seed takes milliseconds, so this one hangs
MOST_SHOWN = 20


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("minutes", nargs="?", type=float, default=10, help="how long; 10 if left out")
    parser.add_argument("--seeds", type=int, metavar="COUNT", help="so many instead")
    parser.add_argument("--first", type=int, metavar="SEED", help="the first seed; a random one if left out")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2, help="processes at a time")
    parser.add_argument("--program", default=str(TOP / "build/release/weir_test_sim"))
    options = parser.parse_args()
    if options.first is None:
        options.first = random.SystemRandom().randrange(1_000_000, 1_000_000_000_000)
    if not os.access(options.program, os.X_OK):
        parser.error(f"{options.program} is missing: cmake --build build/release --target weir_test_sim")
    return options


def run(program, first, count):
    """The exit status and what was said, of so many seeds."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("WEIR_SIM_")}
    environment |= {"WEIR_SIM_FIRST": str(first), "WEIR_SIM_SEEDS": str(count)}
    try:
        done = subprocess.run([program, CASE], env=environment, text=True, errors="replace", timeout=PATIENCE,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout
    except subprocess.TimeoutExpired:
        return None, f"no end after {PATIENCE} seconds"


def failing(program, first, count):
    """The seeds among these that fail, each with what it says: one after the other, since some end the process."""
    for seed in range(first, first + count):
        status, text = run(program, seed, 1)
        if status != 0:
            yield seed, text


class Soak:
    def __init__(self, options):
        self.options = options
        self.begun = time.monotonic()
        self.next = options.first
        self.clean = 0
        self.failed = []
        self.lock = threading.Lock()
        self.ended = False

    def take(self):
        """The next batch, or None when it is enough."""
        with self.lock:
            if self.ended:
                return None
            count = BATCH
            if self.options.seeds is not None:
                count = min(BATCH, self.options.first + self.options.seeds - self.next)
            elif time.monotonic() - self.begun >= self.options.minutes * 60:
                return None
            if count <= 0:
                return None
            first, self.next = self.next, self.next + count
            return first, count

    def work(self):
        while batch := self.take():
            status, text = run(self.options.program, *batch)
            if self.ended:
                return
            found = [] if status == 0 else list(failing(self.options.program, *batch))
            with self.lock:
                self.clean += batch[1] - len(found)
                self.failed += [seed for seed, _ in found]
                for seed, said in found:
                    print(f"\n{said.strip()}\n\nWEIR_SIM_SEED={seed} {self.options.program} '{CASE}'", flush=True)
                if status != 0 and not found:  # each alone is clean: something is left over from one to the next
                    self.failed.append(batch[0])
                    print(f"\n{text.strip()}\n\nWEIR_SIM_FIRST={batch[0]} WEIR_SIM_SEEDS={batch[1]} "
                          f"{self.options.program} '{CASE}'", flush=True)
                if len(self.failed) >= MOST_SHOWN:
                    self.ended = True


def main():
    options = arguments()
    length = f"{options.minutes:g} minutes" if options.seeds is None else f"{options.seeds} seeds"
    print(f"soaking for {length} from seed {options.first} in {options.jobs} processes", flush=True)
    soak = Soak(options)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        workers = [pool.submit(soak.work) for _ in range(options.jobs)]
        try:
            for worker in workers:
                worker.result()
        except KeyboardInterrupt:
            soak.ended = True
    rate = (soak.clean + len(soak.failed)) / (time.monotonic() - soak.begun)
    for seed in sorted(soak.failed):
        print(f"failed: WEIR_SIM_SEED={seed}")
    print(f"{soak.clean} seeds clean, {len(soak.failed)} failed ({rate:.0f} a second)")
    return 1 if soak.failed else 0


if __name__ == "__main__":
    sys.exit(main())
