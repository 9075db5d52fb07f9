"""weir as a Windows service, with the service control manager that is there: wine's."""
import itertools
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from harness import LIMIT, TEST_CHILD, UNDER, native, run_command, wait_until, wine_gap

NUMBERS = itertools.count()
# tests/support/windows/service_main.cpp: a service and its administrator in one program.
TEST_SERVICE = str(pathlib.Path(TEST_CHILD).parent / "weir_test_service.exe")
START_PENDING, RUNNING, STOP_PENDING, STOPPED = range(4)
NOT_RUNNING = 3


def service_name():
    return f"weir-test-{os.getpid()}-{next(NUMBERS)}"


def command(*arguments, environment=None):
    return subprocess.run([*UNDER, *arguments], capture_output=True, text=True, timeout=3 * LIMIT,
                          env={**os.environ, **(environment or {})})


def registry(key):
    """The values of a registry key as name → text; None when there is no such key."""
    done = command("reg", "query", key)
    if done.returncode:
        return None
    rows = (line.split(None, 2) for line in done.stdout.splitlines() if line.startswith("    "))
    return {row[0]: row[2].strip() if len(row) > 2 else "" for row in rows}


def services_key(name):
    return rf"HKLM\SYSTEM\CurrentControlSet\Services\{name}"


def events_key(name):
    return rf"HKLM\SYSTEM\CurrentControlSet\Services\EventLog\Application\{name}"


class ServiceCase(unittest.TestCase):
    # A program that starts by hand meanwhile asks wine whether it is a service, and is taken for the one that is starting.
    alone = True

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="weir test ")  # with a space: paths are quoted
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.name = service_name()

    def remove_at_end(self):
        self.addCleanup(command, TEST_SERVICE, "uninstall", self.name)


@unittest.skipUnless(UNDER, "Windows services exist on Windows only")
class ServiceManager(ServiceCase):
    """The folder windows-service by itself, proven by a service that only writes down what happens to it."""

    def setUp(self):
        super().setUp()
        self.notes_file = pathlib.Path(self.dir, "notes.txt")

    def administer(self, verb, *arguments, expect=0):
        done = command(TEST_SERVICE, verb, self.name, *arguments)
        self.assertEqual(done.returncode, expect, f"{verb}: {done.stdout}{done.stderr}")
        return done.stdout

    def install(self, *words):
        self.remove_at_end()
        return self.administer("install", native(self.notes_file), *words)

    def notes(self):
        return self.notes_file.read_text().splitlines() if self.notes_file.exists() else []

    def wait_for_note(self, line):
        wait_until(lambda: line in self.notes(), lambda: f"{line!r} in {self.notes()}")

    def status(self):
        """(state, has a process, exit code, Windows error)"""
        words = self.administer("status").split()
        return tuple(int(words[at]) for at in (1, 3, 5, 7))

    def test_a_service_lives_from_install_to_uninstall(self):
        self.install()
        self.assertEqual(self.status()[:3], (STOPPED, 0, 0))
        self.administer("start")
        self.assertEqual(self.notes(), [f"starting as {self.name}", "running"])
        self.assertEqual(self.status(), (RUNNING, 1, 0, 0))
        self.administer("stop")
        self.assertEqual(self.notes()[2:], ["stop", "ending"])
        self.assertEqual(self.status(), (STOPPED, 0, 0, 0))
        self.administer("uninstall")
        self.assertIsNone(registry(services_key(self.name)))
        self.assertIsNone(registry(events_key(self.name)))

    def test_it_starts_a_second_time(self):
        self.install()
        for _ in range(2):
            self.administer("start")
            self.administer("stop")
        self.assertEqual(self.notes().count("running"), 2)

    def test_controls_arrive_in_their_order(self):
        self.install()
        self.administer("start")
        for code in (6, 128, 129, 130):
            self.administer("control", str(code))
        self.administer("stop")
        self.assertEqual(self.notes()[2:], ["reload", "reopen-logs", "drain", "upgrade", "stop", "ending"])

    def test_a_control_that_weir_does_not_know_changes_nothing(self):
        self.install()
        self.administer("start")
        command(TEST_SERVICE, "control", self.name, "200")
        self.assertEqual(self.status()[0], RUNNING)
        self.administer("stop")
        self.assertEqual(self.notes()[2:], ["stop", "ending"])

    def test_a_stop_that_takes_time_announces_it(self):
        self.install("linger")
        self.administer("start")
        self.administer("stop")
        self.assertIn("checkpoint 4", self.notes())  # that of the control, and three more

    def test_the_exit_code_is_that_of_the_command_line(self):
        for code in (1, 2, 78):
            with self.subTest(code):
                self.name = service_name()
                self.install(f"before-ready={code}")
                told = self.administer("start", expect=1)
                self.assertIn(f"exit code {code}\n", told)
                self.assertIn("Application event log", told)
                self.assertEqual(self.status(), (STOPPED, 0, code, 0))

    def test_a_failure_at_stop_is_shown_too(self):
        self.install("exit=1")
        self.administer("start")
        self.administer("stop")
        self.assertEqual(self.status(), (STOPPED, 0, 1, 0))

    @wine_gap("dead-service")
    def test_a_failure_while_it_runs_is_a_crash_to_windows(self):
        self.install("fail=1")
        self.administer("start")
        self.administer("control", "6")  # on which it fails
        wait_until(lambda: self.notes().count("running") == 2, lambda: f"a second start in {self.notes()}")

    def test_what_cannot_be_done_is_said_with_the_reason(self):
        self.assertIn("there is no such service", self.administer("start", expect=1))
        self.assertIn("there is no such service", self.administer("uninstall", expect=1))
        self.install()
        self.assertIn("a service of that name exists", self.administer("install", native(self.notes_file), expect=1))
        self.assertIn("it is not running", self.administer("stop", expect=1))
        self.administer("start")
        self.assertIn("it is running already", self.administer("start", expect=1))

    def test_uninstall_stops_it_first(self):
        self.install()
        self.administer("start")
        self.administer("uninstall")
        self.assertEqual(self.notes()[2:], ["stop", "ending"])

    def test_started_by_hand_it_is_not_a_service(self):
        done = command(TEST_SERVICE, "run", native(self.notes_file))
        self.assertEqual((done.returncode, self.notes()), (0, ["not a service"]))

    @wine_gap("event-log")
    def test_an_event_can_be_read_back(self):
        command(TEST_SERVICE, "report", self.name, "5", "weir.yaml:3:7: no such key")
        query = f"*[System[Provider[@Name='{self.name}']]]"
        done = command("wevtutil", "qe", "Application", f"/q:{query}", "/f:text")
        self.assertIn("weir.yaml:3:7: no such key", done.stdout)

    def test_an_event_is_given_to_windows_as_text(self):
        # wine says on standard error what it was given.
        done = command(TEST_SERVICE, "report", self.name, "5", "weir.yaml:3:7: no such key",
                       environment={"WINEDEBUG": "err+eventlog"})
        self.assertIn("weir.yaml:3:7: no such key", done.stderr)


@unittest.skipUnless(UNDER, "Windows services exist on Windows only")
class Commands(ServiceCase):
    """weir service VERB."""

    def file(self, text="listeners: { web: '127.0.0.1:0' }\nroutes: [{ respond: hi }]\n"):
        path = pathlib.Path(self.dir, "weir.yaml")
        path.write_text(text)
        return path

    def service(self, verb, *arguments, expect=0):
        done = run_command("service", verb, "--name", self.name, *arguments, limit=3 * LIMIT)
        self.assertEqual(done.returncode, expect, f"{verb}: {done.stdout}{done.stderr}")
        return done

    def install(self, *arguments):
        self.remove_at_end()
        return self.service("install", "-c", native(self.file()), *arguments)

    def test_install_registers_a_service_and_its_events(self):
        done = self.install()
        self.assertIn(f"service {self.name} installed", done.stdout)
        self.assertIn("weir service start", done.stdout)
        values = registry(services_key(self.name))
        program, file = native(pathlib.Path(os.environ["WEIR"])), native(self.file())
        self.assertEqual(values["ImagePath"], f'"{program}" run --service -c "{file}"')
        self.assertEqual(values["ObjectName"], rf"NT SERVICE\{self.name}")
        self.assertEqual(int(values["Start"], 0), 2)  # automatic
        self.assertEqual(int(values["Type"], 0), 0x10)  # a process of its own
        self.assertEqual(values["DependOnService"].replace(r"\0", ""), "Tcpip")
        self.assertIn(file, values["Description"])
        events = registry(events_key(self.name))
        self.assertEqual((events["EventMessageFile"], int(events["TypesSupported"], 0)), (program, 7))
        self.service("uninstall")
        self.assertIsNone(registry(services_key(self.name)))
        self.assertIsNone(registry(events_key(self.name)))

    @wine_gap("service-settings")
    def test_install_sets_everything(self):
        self.assertEqual(self.install().stderr, "")
        values = registry(services_key(self.name))
        self.assertEqual(int(values["DelayedAutostart"], 0), 1)
        self.assertEqual(int(values["ServiceSidType"], 0), 1)

    def test_install_takes_an_account_without_a_password(self):
        self.install("--account", "LocalService")
        self.assertEqual(registry(services_key(self.name))["ObjectName"], r"NT AUTHORITY\LocalService")

    def test_install_refuses_what_could_not_run(self):
        done = self.service("install", "-c", native(self.file("listeners: 3\n")), expect=78)
        self.assertIn("nothing was installed", done.stderr)
        self.assertIn("needs a password", self.service("install", "-c", native(self.file()), "--account", "bob", expect=2).stderr)
        self.assertIsNone(registry(services_key(self.name)))

    def test_status_tells_a_stopped_service_from_a_missing_one(self):
        self.assertIn("there is no such service", self.service("status", expect=1).stderr)
        self.install()
        self.assertIn(f"{self.name}: stopped", self.service("status", expect=NOT_RUNNING).stdout)

    def test_a_configuration_that_became_wrong_ends_the_start_with_78(self):
        self.install()
        self.file("listeners: 3\n")
        self.assertIn("exit code 78", self.service("start", expect=78).stderr)
        self.assertEqual(self.service("status", expect=NOT_RUNNING).stdout, f"{self.name}: stopped, exit code 78\n")

    def test_weir_administers_any_service(self):
        self.remove_at_end()
        notes = pathlib.Path(self.dir, "notes.txt")
        self.assertEqual(command(TEST_SERVICE, "install", self.name, native(notes)).returncode, 0)
        self.assertEqual(self.service("start").stdout, f"service {self.name} is running\n")
        self.assertRegex(self.service("status").stdout, rf"^{self.name}: running, process \d+\n$")
        self.assertEqual(self.service("stop").stdout, f"service {self.name} has stopped\n")
        self.assertEqual(self.service("uninstall").stdout, f"service {self.name} uninstalled\n")


class Elsewhere(unittest.TestCase):
    @unittest.skipIf(UNDER, "on Windows the verbs are there")
    def test_each_verb_says_that_it_is_one_of_windows(self):
        for verb in ("install", "uninstall", "start", "stop", "status"):
            with self.subTest(verb):
                done = run_command("service", verb)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn(f"'weir service {verb}' manages a Windows service", done.stderr)
                self.assertIn("The verbs that exist here: none.", done.stderr)
