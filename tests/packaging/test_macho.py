#!/usr/bin/env python3
"""tests/packaging/macho.py takes no file for a macOS program that is none."""
import struct
import unittest

import macho


def program(processor=0x0100000C, kind=macho.EXECUTABLE, release=(11, 0), libraries=("/usr/lib/libSystem.B.dylib",), signed=True):
    body = [struct.pack("<IIIIII", macho.BUILD_VERSION, 24, macho.MACOS, release[0] << 16 | release[1] << 8, 0, 0)]
    for name in libraries:
        text = name.encode().ljust((len(name) // 8 + 1) * 8, b"\0")
        body.append(struct.pack("<IIIIII", macho.LOAD_DYLIB, 24 + len(text), 24, 0, 0, 0) + text)
    if signed:
        body.append(struct.pack("<IIII", macho.CODE_SIGNATURE, 16, 0, 0))
    size = sum(map(len, body))
    return struct.pack("<IiiiIIII", 0xFEEDFACF, processor, 0, kind, len(body), size, 0, 0) + b"".join(body)


class Checking(unittest.TestCase):
    def refused(self, data, processor="arm64", release=(11, 0)):
        with self.assertRaises(macho.NotLoadable) as refusal:
            macho.check(data, processor, release)
        return str(refusal.exception)

    def test_a_program(self):
        facts = macho.check(program(), "arm64", (11, 0))
        self.assertEqual((11, 0), facts["release"])
        self.assertEqual(["/usr/lib/libSystem.B.dylib"], facts["libraries"])
        macho.check(program(0x01000007, signed=False), "x86_64", (12, 3))

    def test_what_is_none(self):
        self.assertIn("not a 64-bit", self.refused(b"\x7fELF" + bytes(60)))
        self.assertIn("not a 64-bit", self.refused(b""))
        self.assertIn("arm64, not x86_64", self.refused(program(), "x86_64"))
        self.assertIn("no executable", self.refused(program(kind=1)))

    def test_what_would_not_be_loaded(self):
        self.assertIn("macOS (13, 0)", self.refused(program(release=(13, 0))))
        self.assertIn("/usr/local/lib/libfmt.dylib", self.refused(program(libraries=("/usr/local/lib/libfmt.dylib",))))
        self.assertIn("no signature", self.refused(program(signed=False)))


if __name__ == "__main__":
    result = unittest.main(exit=False, verbosity=0).result
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed} passed, {failed} failed")
    raise SystemExit(1 if failed else 0)
