#!/usr/bin/env python3
"""systemd/weir.service and weir.socket: what the design asks of them, and systemd's own judgement where it is installed.

Also run by hand: tests/systemd/test_units.py
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

UNITS = pathlib.Path(__file__).resolve().parent.parent.parent / "systemd"
ANALYZE = shutil.which("systemd-analyze")
NEEDS_ANALYZE = unittest.skipUnless(ANALYZE, "systemd-analyze is not installed (package systemd)")
FORBIDDEN_EXEC = {"NoExecPaths": ["/"], "ExecPaths": ["/usr/bin/weir /usr/lib /usr/lib64"]}


def read(text):
    """section → key → values, in order."""
    sections, current = {}, None
    for line in text.splitlines():
        if m := re.fullmatch(r"\[(\w+)\]", line):
            current = sections.setdefault(m[1], {})
        elif line and not line.startswith(("#", ";")):
            key, sign, value = line.partition("=")
            assert sign and current is not None, line
            current.setdefault(key, []).append(value)
    return sections


def unit(name):
    return read((UNITS / name).read_text())


def one(section, key):
    values = section.get(key, [])
    assert len(values) == 1, f"{key}: {values}"
    return values[0]


class Service(unittest.TestCase):
    def setUp(self):
        self.service = unit("weir.service")["Service"]

    def test_it_is_notified_by_weir_alone_and_reloaded_by_a_command_that_has_a_verdict(self):
        self.assertEqual("notify", one(self.service, "Type"))  # 252 does not know notify-reload
        self.assertEqual("main", one(self.service, "NotifyAccess"))
        self.assertEqual("/usr/bin/weir run -c /etc/weir/weir.yaml", one(self.service, "ExecStart"))
        self.assertEqual("/usr/bin/weir reload", one(self.service, "ExecReload"))

    def test_a_refused_configuration_is_not_tried_again_but_a_failure_is(self):
        self.assertEqual("on-failure", one(self.service, "Restart"))
        self.assertIn("78", one(self.service, "RestartPreventExitStatus").split())
        self.assertRegex(one(self.service, "RestartSec"), r"^\d00ms$")  # back within a second

    def test_it_is_watched_and_its_sockets_are_kept(self):
        self.assertRegex(one(self.service, "WatchdogSec"), r"^[1-9]\d*s$")
        self.assertGreaterEqual(int(one(self.service, "FileDescriptorStoreMax")), 256)
        self.assertGreaterEqual(int(one(self.service, "LimitNOFILE")), 65536)

    def test_it_runs_as_a_user_with_one_capability(self):
        self.assertEqual("weir", one(self.service, "User"))
        self.assertEqual("CAP_NET_BIND_SERVICE", one(self.service, "AmbientCapabilities"))
        self.assertEqual("CAP_NET_BIND_SERVICE", one(self.service, "CapabilityBoundingSet"))
        self.assertEqual("yes", one(self.service, "NoNewPrivileges"))

    def test_its_directories_are_those_of_the_documentation(self):
        for key in ("ConfigurationDirectory", "RuntimeDirectory", "LogsDirectory"):
            self.assertEqual("weir", one(self.service, key))

    def test_programs_may_be_started_and_the_comment_says_how_to_forbid_it(self):
        for key, value in FORBIDDEN_EXEC.items():
            self.assertNotIn(key, self.service)
            self.assertIn(f"#   {key}={value[0]}", (UNITS / "weir.service").read_text())


class Socket(unittest.TestCase):
    def test_it_names_a_listener(self):
        socket = unit("weir.socket")["Socket"]
        self.assertEqual("web", one(socket, "FileDescriptorName"))
        self.assertEqual("80", one(socket, "ListenStream"))
        self.assertNotEqual("yes", socket.get("Accept", ["no"])[-1])


@NEEDS_ANALYZE
class Judgement(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="weir-units-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def verify(self, change=lambda text: text):
        """What systemd says of the units, with a program that is there: it looks for weir's."""
        program = shutil.which("true")
        for name in ("weir.service", "weir.socket"):
            text = change((UNITS / name).read_text()).replace("=/usr/bin/weir ", f"={program} ")
            (self.folder / name).write_text(text)
        units = [str(self.folder / name) for name in ("weir.service", "weir.socket")]
        r = subprocess.run([ANALYZE, "verify", "--man=no", *units], capture_output=True, text=True, timeout=120)
        return r.returncode, r.stdout + r.stderr

    def security(self, change=lambda text: text):
        path = self.folder / "weir.service"
        path.write_text(change((UNITS / "weir.service").read_text()))
        r = subprocess.run([ANALYZE, "security", "--offline=yes", "--no-pager", "--threshold=20", str(path)],
                           capture_output=True, text=True, timeout=120)
        return r.returncode, r.stdout + r.stderr

    def test_systemd_finds_nothing_to_complain_about(self):
        status, said = self.verify()
        self.assertEqual((0, ""), (status, "\n".join(line for line in said.splitlines() if "weir" in line)))

    def test_systemd_would_find_a_mistake(self):
        _, said = self.verify(lambda text: text.replace("WatchdogSec=", "WatchDogSeconds="))
        self.assertIn("WatchDogSeconds", said)

    def test_the_exposure_is_below_two(self):
        status, said = self.security()
        self.assertEqual(0, status, said)

    def test_the_exposure_of_a_unit_that_allows_more_is_not(self):
        status, said = self.security(lambda text: re.sub(r"(?m)^(Protect|Restrict|SystemCall|User)\w+=.*\n", "", text))
        self.assertNotEqual(0, status, said)


if __name__ == "__main__":
    program = unittest.main(exit=False, verbosity=0)
    bad = len(program.result.failures) + len(program.result.errors)
    print(f"{program.result.testsRun - len(program.result.skipped) - bad} passed, {bad} failed")
    sys.exit(1 if bad else 0)
