#!/usr/bin/env python3
"""tests/run.py adds up what test programs say, and never takes a failure for a success."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import run as runner  # noqa: E402


def counted(output, status):
    tally = runner.count(output, status)
    return tally.passed, tally.failed


class Counting(unittest.TestCase):
    def test_catch2(self):
        self.assertEqual((14, 0), counted("====\nAll tests passed (120 assertions in 14 test cases)\n\n", 0))
        self.assertEqual((1, 0), counted("All tests passed (2 assertions in 1 test case)\n", 0))
        self.assertEqual((12, 2), counted("test cases: 14 | 12 passed | 2 failed\nassertions: 99 | 97 passed | 2 failed\n", 2))
        self.assertEqual((0, 3), counted("test cases: 3 | 3 failed\nassertions: 3 | 3 failed\n", 3))

    def test_a_line_of_our_own(self):
        self.assertEqual((25, 0), counted("text\n25 passed, 0 failed\n", 0))
        self.assertEqual((24, 1), counted("24 passed, 1 failed\n", 1))

    def test_a_program_that_says_nothing_is_one_test(self):
        self.assertEqual((1, 0), counted("hello\n", 0))
        self.assertEqual((0, 1), counted("hello\n", 1))
        self.assertEqual((0, 1), counted("Segmentation fault\n", -11))

    def test_a_crash_after_success_is_a_failure(self):
        self.assertEqual((14, 1), counted("All tests passed (120 assertions in 14 test cases)\nLeakSanitizer: detected\n", 1))
        self.assertEqual((14, 1), counted("All tests passed (120 assertions in 14 test cases)\n", -6))

    def test_a_failure_with_a_good_status_stays_a_failure(self):
        self.assertGreater(counted("test cases: 2 | 1 passed | 1 failed\n", 0)[1], 0)

    def test_a_program_without_tests_fails(self):
        self.assertEqual((0, 1), counted("No tests ran\n", 0))


class Running(unittest.TestCase):
    def test_status_and_output_come_back(self):
        with tempfile.TemporaryDirectory() as folder:
            log = pathlib.Path(folder) / "log"
            status, output, _ = runner.run([sys.executable, "-c", "print('hello'); raise SystemExit(3)"], log)
            self.assertEqual(3, status)
            self.assertIn("hello", output)
            self.assertEqual(127, runner.run([pathlib.Path(folder) / "none"], log)[0])
            self.assertEqual(124, runner.run([sys.executable, "-c", "import time; time.sleep(60)"], log, timeout=0.2)[0])


if __name__ == "__main__":
    program = unittest.main(exit=False, verbosity=0)
    bad = len(program.result.failures) + len(program.result.errors)
    print(f"{program.result.testsRun - bad} passed, {bad} failed")
    sys.exit(1 if bad else 0)
