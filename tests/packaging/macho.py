#!/usr/bin/env python3
"""macho.py PROCESSOR RELEASE FILE...: checks that each file is what macOS would load: a Mach-O executable for the processor
(arm64, x86_64) that asks for no newer release than RELEASE (11.0) and for no library but the system's own.

Reads the headers only. Says what it found, a line per file; exit status 1 if one is not as it should be.
"""
import struct
import sys

PROCESSORS = {0x0100000C: "arm64", 0x01000007: "x86_64"}
EXECUTABLE, MACOS = 2, 1
LOAD_DYLIB, LOAD_WEAK_DYLIB, BUILD_VERSION, CODE_SIGNATURE = 0xC, 0x80000018, 0x32, 0x1D
SYSTEM = ("/usr/lib/", "/System/Library/")


class NotLoadable(Exception):
    pass


def commands(data):
    """The load commands after a 64-bit header: (number, bytes)."""
    count, at = struct.unpack_from("<I", data, 16)[0], 32
    for _ in range(count):
        number, size = struct.unpack_from("<II", data, at)
        yield number, data[at:at + size]
        at += size


def inspect(data):
    """Facts from the headers: processor, kind, release, libraries, signed."""
    if len(data) < 32 or struct.unpack_from("<I", data)[0] != 0xFEEDFACF:
        raise NotLoadable("not a 64-bit Mach-O file")
    processor, _, kind = struct.unpack_from("<iii", data, 4)
    facts = {"processor": PROCESSORS.get(processor, hex(processor)), "executable": kind == EXECUTABLE, "release": None,
             "libraries": [], "signed": False}
    for number, body in commands(data):
        if number == BUILD_VERSION and struct.unpack_from("<I", body, 8)[0] == MACOS:
            release = struct.unpack_from("<I", body, 12)[0]
            facts["release"] = (release >> 16, release >> 8 & 0xFF)
        elif number in (LOAD_DYLIB, LOAD_WEAK_DYLIB):
            facts["libraries"].append(body[struct.unpack_from("<I", body, 8)[0]:].split(b"\0")[0].decode())
        elif number == CODE_SIGNATURE:
            facts["signed"] = True
    return facts


def check(data, processor, release):
    facts = inspect(data)
    if facts["processor"] != processor:
        raise NotLoadable(f"is for {facts['processor']}, not {processor}")
    if not facts["executable"]:
        raise NotLoadable("is no executable")
    if facts["release"] is None or facts["release"] > release:
        raise NotLoadable(f"asks for macOS {facts['release']}, wanted at most {release}")
    if foreign := [name for name in facts["libraries"] if not name.startswith(SYSTEM)]:
        raise NotLoadable(f"needs {', '.join(foreign)}")
    if processor == "arm64" and not facts["signed"]:
        raise NotLoadable("has no signature, without which Apple's processors run nothing")
    return facts


def main(processor, release, *files):
    failed, wanted = 0, tuple(int(n) for n in release.split("."))
    for file in files:
        try:
            with open(file, "rb") as f:
                facts = check(f.read(), processor, wanted)
            print(f"ok      {file}: {processor}, macOS {'.'.join(map(str, facts['release']))}, {', '.join(facts['libraries'])}")
        except (NotLoadable, OSError, struct.error) as e:
            failed += 1
            print(f"FAILED  {file}: {e}")
    print(f"{len(files) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
