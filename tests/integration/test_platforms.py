"""What other systems would say: check --target, platforms, the section `platform`, and the same refusal at start."""
import json
import pathlib
import sys
import tempfile
import unittest

from harness import BACKEND, UNDER, Client, Weir, run_command

HERE = "windows" if UNDER else {"linux": "linux", "darwin": "macos"}.get(sys.platform, sys.platform.rstrip("0123456789"))


class Files(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)

    def file(self, text, name="weir.yaml"):
        path = pathlib.Path(self.dir.name, name)
        path.write_text(text)
        return str(path)

    def run_weir(self, *arguments, **options):
        return run_command(*arguments, cwd=self.dir.name, **options)


MIXED = """listeners:
  web: { bind: ":8080", upstream: app, max_connections: 300 }
  local: { bind: "unix:/run/weir.sock", upstream: app }
upstreams: { app: ["127.0.0.1:3000"] }
timeouts: { idle: 5ms }
"""


class CheckTarget(Files):
    def test_a_refusal_names_place_rule_reason_and_remedy(self):
        path = self.file(MIXED)
        done = self.run_weir("check", "--target", "windows/select", path)
        self.assertEqual((done.returncode, done.stdout), (78, ""))
        for piece in (f'{path}:3:18: error: windows/select: "unix:/run/weir.sock" is a unix socket [windows-no-unix-sockets]',
                      "at listeners.local.bind", "  3 |   local: {", "use a TCP address on loopback",
                      "platform: { windows: { listeners: { local: { bind: ... } } } }",
                      f"{path}:2:57: error: windows/select: 300 client connections", "[windows-select-512]",
                      f"{path}:5:19: warning: windows/select: 5ms is shorter than one clock step", f"{path}: refused"):
            self.assertIn(piece, done.stderr)

    def test_several_targets_at_once_say_the_same_once(self):
        path = self.file(MIXED)
        done = self.run_weir("check", "--target", "linux,windows/iocp", "--target", "windows/select", path)
        self.assertEqual(done.returncode, 78)
        self.assertEqual(done.stderr.count("[windows-no-unix-sockets]"), 1)
        self.assertIn("error: windows/iocp, windows/select: ", done.stderr)
        done = self.run_weir("check", "--target", "linux,macos-10.8,freebsd", path)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn(f"{path}: fine for linux/epoll, macos-10.8/kqueue, freebsd/kqueue, 2 listeners, ", done.stdout)

    def test_named_pipes_are_for_the_iocp_backend_of_windows(self):
        path = self.file("listeners: { web: { bind: '\\\\.\\pipe\\web', upstream: app } }\n"
                         "upstreams: { app: ['\\\\.\\pipe\\app'] }\n")
        self.assertEqual(self.run_weir("check", "--target", "windows", path).returncode, 0)
        for target, rule, remedy in (("windows/select", "windows-select-no-pipes", "use the iocp backend"),
                                     ("macos/kqueue", "named-pipes-windows-only", "use a unix socket")):
            done = self.run_weir("check", "--target", target, path)
            self.assertEqual((done.returncode, done.stderr.count(f"[{rule}]")), (78, 2))
            self.assertIn(rf'{path}:1:27: error: {target}: "\\.\pipe\web" is a named pipe', done.stderr)
            self.assertIn(remedy, done.stderr)

    def test_warnings_do_not_refuse(self):
        path = self.file('listeners: { web: ":80" }\nroutes: [{ respond: 204 }]\ntimeouts: { idle: 5ms }\n')
        done = self.run_weir("check", "--target", "windows", path)
        self.assertEqual(done.returncode, 0)
        self.assertIn("[windows-clock-15ms]", done.stderr)
        self.assertIn("1 warning", done.stdout)

    def test_a_limit_that_is_vouched_for_refuses(self):
        path = self.file('listeners: { web: { bind: ":80", max_connections: 5000 } }\nroutes: [{ respond: 204 }]\n')
        self.assertEqual(self.run_weir("check", "--target", "macos", path).returncode, 0)
        done = self.run_weir("check", "--target", "macos", "--descriptors", "4096", path)
        self.assertEqual(done.returncode, 78)
        self.assertIn("[posix-descriptor-limit]", done.stderr)

    def test_findings_as_json(self):
        path = self.file(MIXED)
        done = self.run_weir("check", "--json", "--target", "linux,windows/select", path)
        self.assertEqual((done.returncode, done.stderr), (78, ""))
        verdict = json.loads(done.stdout)["files"][0]
        self.assertEqual((verdict["file"], verdict["refused"]), (path, True))
        self.assertEqual(verdict["platforms"], ["linux/epoll", "windows/select"])
        found = {finding["rule"]: finding for finding in verdict["findings"]}
        self.assertEqual(set(found), {"windows-no-unix-sockets", "windows-select-512", "windows-clock-15ms"})
        unix = found["windows-no-unix-sockets"]
        self.assertEqual((unix["line"], unix["column"], unix["key"], unix["severity"], unix["platforms"]),
                         (3, 18, "listeners.local.bind", "error", ["windows/select"]))

    def test_a_wrong_target_is_wrong_usage(self):
        path = self.file(MIXED)
        for target, piece in (("windwos", 'did you mean "windows"?'), ("windows/epoll", "epoll exists on Linux only"),
                              ("linux/epol", 'did you mean "epoll"?'), ("linux-6.1", "macos-10.8")):
            with self.subTest(target):
                done = self.run_weir("check", "--target", target, path)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn(piece, done.stderr)


class Overrides(Files):
    def test_run_takes_those_of_its_system(self):
        weir = Weir(config='listeners: { web: { bind: "127.0.0.1:0" } }\nroutes: [{ respond: "for all" }]\n'
                           f'platform: {{ {HERE}: {{ routes: [{{ respond: "for one" }}] }},'
                           ' netbsd: { listeners: { web: { bnid: 3 } } } }\n')
        self.addCleanup(weir.stop)
        with Client(weir.address("web")) as client:
            client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertEqual(client.response().body, b"for one")

    def test_check_reads_those_of_other_systems_and_says_where_they_are_wrong(self):
        other = "netbsd" if HERE != "netbsd" else "openbsd"
        path = self.file('listeners: { web: ":80" }\nroutes: [{ respond: 204 }]\n'
                         f"platform:\n  {other}: {{ timeouts: {{ idle: 5 }} }}\n")
        done = self.run_weir("check", path)
        self.assertEqual(done.returncode, 78)
        self.assertIn(f"{path}:4:", done.stderr)
        self.assertIn(f": error: {other}: a duration needs a unit", done.stderr)

    def test_they_take_a_finding_away(self):
        path = self.file(MIXED + 'platform: { windows: { listeners: { local: ~, web: { max_connections: 100 } } } }\n')
        self.assertEqual(self.run_weir("check", "--target", "windows/select", path).returncode, 0)


class Start(Files):
    def test_run_refuses_what_check_refuses(self):
        text = 'listeners: { web: { bind: "127.0.0.1:0", max_connections: 20000 } }\nroutes: [{ respond: 204 }]\n'
        path = self.file(text)
        checked = self.run_weir("check", "--target", f"{HERE}/select", path)
        started = self.run_weir("run", "--backend", "select", path)
        self.assertEqual((checked.returncode, started.returncode), (78, 78))
        self.assertIn("windows-select-512" if UNDER else "posix-select-fd-setsize", checked.stderr)
        self.assertTrue(started.stderr.startswith(checked.stderr.splitlines()[0]), started.stderr)
        self.assertIn("nothing was started", started.stderr)
        configured = self.file(text + "runtime: { backend: select }\n", "configured.yaml")
        self.assertEqual(self.run_weir("run", configured).returncode, 78)

    def test_a_backend_of_another_system_is_refused_where_it_is_written(self):
        other, rule = ("epoll", "epoll-linux-only") if UNDER else ("iocp", "iocp-windows-only")
        path = self.file(f"runtime: {{ backend: {other} }}\nlisteners: {{ web: ':0' }}\nroutes: [{{ respond: hi }}]\n")
        for command in ("check", "run"):
            done = self.run_weir(command, path)
            self.assertEqual(done.returncode, 78)
            self.assertIn(f"{path}:1:21: error: ", done.stderr)
            self.assertIn(f"[{rule}]", done.stderr)
            self.assertIn("there: auto, iocp, select" if UNDER else "there: auto, epoll, io_uring, poll, select", done.stderr)


class Platforms(Files):
    def test_the_table_and_what_works_here(self):
        text = self.run_weir("platforms")
        self.assertEqual((text.returncode, text.stderr), (0, ""))
        for piece in ("select", "selected by auto", "windows/iocp", "windows-select-512", "source: CPython, asyncio"):
            self.assertIn(piece, text.stdout)
        table = json.loads(self.run_weir("platforms", "--json").stdout)
        self.assertEqual(table["system"], HERE)
        chosen = [backend["name"] for backend in table["backends"] if backend["chosen"]]
        self.assertEqual(len(chosen), 1)
        works = {backend["name"] for backend in table["backends"] if backend["works"]}
        self.assertLessEqual({"iocp" if UNDER else "poll", "select", chosen[0]}, works)
        if BACKEND != "auto":
            self.assertIn(BACKEND, works)
        windows = next(p for p in table["platforms"] if (p["system"], p["backend"]) == ("windows", "select"))
        self.assertEqual((windows["max_sockets"], windows["clock_step_ms"]), (512, 15.6))
        self.assertEqual(windows["features"]["child_processes"], "windows-select-no-subprocess")

    def test_the_page_is_the_one_in_docs(self):
        page = pathlib.Path(__file__).resolve().parent.parent.parent / "docs" / "platforms.md"
        self.assertEqual(self.run_weir("platforms", "--markdown").stdout, page.read_text())


class Selftest(Files):
    def test_each_backend_with_its_verdict_and_the_rules_met(self):
        # Of those of Windows nothing else runs on the machine it is for; elsewhere select stands for all.
        rules = {"iocp": "windows-iocp-no-watch", "select": "windows-select-512"} if UNDER else {"select": "regular-files-not-watchable"}
        done = self.run_weir("selftest", "--json", *([] if UNDER else ["--backend", "select"]), limit=300)
        if "WEIR_SELFTEST=OFF" in done.stderr:
            self.assertEqual(done.returncode, 1)
            return
        verdict = json.loads(done.stdout)
        self.assertEqual((done.returncode, verdict["passed"]), (0, True), done.stdout)
        self.assertEqual([backend["name"] for backend in verdict["backends"]], list(rules))
        for backend in verdict["backends"]:
            self.assertEqual((backend["failed"], backend["failures"]), (0, []))
            self.assertGreater(backend["passed"], 50)
            self.assertIn(rules[backend["name"]], backend["rules"])

    def test_a_backend_of_another_system_is_wrong_usage(self):
        other = "iocp" if HERE != "windows" else "epoll"
        done = self.run_weir("selftest", "--backend", other)
        self.assertEqual(done.returncode, 2 if "OFF" not in done.stderr else 1)
        self.assertIn("only; here: auto, ", done.stderr)


if __name__ == "__main__":
    unittest.main()
