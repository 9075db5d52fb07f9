"""Health checks of the real thing: scripts, connections and requests; who gets traffic; what is left of a script."""
import json
import os
import pathlib
import random
import signal
import socket
import stat
import tempfile
import threading
import time
import unittest

from harness import (LIBKQUEUE, LIMIT, TEST_CHILD, UNDER, Upstream, Weir, libkqueue_gap, native, run_command, unless,
                     unused_port, wait_until)

# Programs start slowly with a sanitizer, and under wine.
FAST = "interval: 250ms, timeout: 250ms" if LIMIT < 30 and not UNDER else "interval: 4s, timeout: 4s"


def running(*words):
    """The processes whose command lines have all these words; those that have ended and wait for their parent have none."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().decode("utf-8", "replace")
        except OSError:  # it has just gone
            continue
        if all(word in line for word in words):
            found.append(int(path.parent.name))
    return found


class Checked(unittest.TestCase):
    """A directory for scripts and the files they look at, and upstreams beside it."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.dir = pathlib.Path(directory.name)
        self.mark = str(random.randrange(10**8, 2 * 10**9))  # a time to sleep that no other process has in its command line

    def script(self, sh, cmd, name="check"):
        """A script of the system's shell, as the configuration names it."""
        path = self.dir / (f"{name}.cmd" if UNDER else name)
        if UNDER:
            path.write_bytes(b"@echo off\r\n" + cmd.replace("\n", "\r\n").encode())
        else:
            path.write_text("#!/bin/sh\n" + sh)
            path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return native(path)

    def upstream(self, **options):
        server = Upstream(**options)
        self.addCleanup(server.close)
        return server

    def weir(self, endpoints, check, options="", **more):
        weir = Weir(f"""
listeners: {{ web: {{ bind: "127.0.0.1:0", upstream: app }} }}
access_log: json
runtime: {{ max_scripts: 4 }}
upstreams:
  app:
    endpoints: {json.dumps(endpoints)}
    health_check: {{ {check}{options} }}
""", **more)
        self.addCleanup(weir.stop)
        return weir

    def says(self, weir, *pieces, count=1):
        """The first line of the log with all of these."""
        def found():
            lines = [line for line in weir.stderr().splitlines() if all(piece in line for piece in pieces)]
            return lines[count - 1] if len(lines) >= count else None
        return wait_until(found, lambda: f"{pieces} in {weir.stderr()}")

    def get(self, weir):
        with weir.client() as client:
            return client.get("/")


@unless("windows-select-no-subprocess")
class Scripts(Checked):
    def test_the_exit_code_decides_who_gets_traffic_and_503_comes_at_once(self):
        one, two = self.upstream(name="one"), self.upstream(name="two")
        check = self.script(f'echo "asked by $1 about $WEIR_ENDPOINT in $WEIR_UPSTREAM"; '
                            f'test -e {self.dir}/well-$WEIR_PORT\n',
                            f'echo asked by %~1 about %WEIR_ENDPOINT% in %WEIR_UPSTREAM%\n'
                            f'if exist "{native(self.dir)}\\well-%WEIR_PORT%" exit /b 0\nexit /b 1\n')
        flags = {server: self.dir / f"well-{server.address.rpartition(':')[2]}" for server in (one, two)}
        flags[one].touch()
        weir = self.weir([one.address, two.address], f"script: ['{check}', 'a b$HOME']", f", {FAST}, rise: 2, fall: 2")
        line = self.says(weir, "endpoint is down", two.address)
        self.assertIn("upstream=app", line)
        self.assertIn("up=1/2 check=script", line)
        self.assertIn('reason="exit code 1"', line)
        self.assertIn(f'output="asked by a b$HOME about {two.address} in app"', line)
        for _ in range(6):
            self.assertEqual(json.loads(self.get(weir).body)["server"], "one")

        flags[one].unlink()
        self.says(weir, "endpoint is down", one.address, "up=0/2")
        began = time.monotonic()
        answer = self.get(weir)
        self.assertEqual(answer.status, 503)
        self.assertLess(time.monotonic() - began, 2)
        self.assertIn(b"503", answer.body)
        last = wait_until(lambda: next((e for e in map(json.loads, weir.lines()) if e["status"] == 503), None), "a line")
        self.assertEqual(last["end"], "all_down")

        flags[two].touch()
        self.says(weir, "endpoint is up", two.address, "up=1/2")
        for _ in range(6):
            self.assertEqual(json.loads(self.get(weir).body)["server"], "two")
        weir.stop()

    def test_a_script_that_hangs_is_killed_with_what_it_started(self):
        app = self.upstream()
        check = self.script(f"echo waiting for godot\nsleep {self.mark} &\ntouch {self.dir}/ran\nwait\n",
                            f'echo waiting for godot\ncopy nul "{native(self.dir)}\\ran" >nul\n'
                            f'"{native(TEST_CHILD)}" grandchild {self.mark} {self.mark}\n')
        timeout = "interval: 4s, timeout: 2s" if UNDER else "interval: 1s, timeout: 300ms"
        weir = self.weir([app.address], f"script: '{check}'", f", {timeout}, fall: 1")
        line = self.says(weir, "endpoint is down")
        self.assertRegex(line, "no end within (300|2000) ms: killed")
        self.assertIn("waiting for godot", line)
        self.assertTrue((self.dir / "ran").exists())
        # Between two checks nothing of them runs; what was left over would run for years.
        wait_until(lambda: not running(self.mark) and not running(self.dir.name), "the tree")
        self.assertEqual(self.get(weir).status, 503)

    def test_a_stop_kills_what_runs(self):
        app = self.upstream()
        check = self.script(f"sleep {self.mark} &\nwait\n",
                            f'"{native(TEST_CHILD)}" grandchild {self.mark} {self.mark}\n')
        weir = self.weir([app.address], f"script: '{check}'", ", interval: 1h, timeout: 30m")
        tree = 2 if UNDER else 1  # the sleeping one and, with a command line that has the number, its parent
        wait_until(lambda: len(running(self.mark)) >= tree, "the script")
        began = time.monotonic()
        weir.stop()
        self.assertLess(time.monotonic() - began, 5)
        wait_until(lambda: not running(self.mark), "the tree")

    def test_more_output_than_is_kept_neither_blocks_nor_fails_the_script(self):
        app = self.upstream()
        check = self.script(f"test -e {self.dir}/ill && code=7\n"
                            f"head -c 300000 /dev/zero | tr '\\0' f\necho end >> {self.dir}/ends\nexit ${{code:-0}}\n",
                            f'"{native(TEST_CHILD)}" flood 300000\necho end>>"{native(self.dir)}\\ends"\n'
                            f'if exist "{native(self.dir)}\\ill" exit /b 7\nexit /b 0\n')
        once = ", interval: 60s, timeout: 60s, fall: 1"  # the check at the start and none after it
        weir = self.weir([app.address], f"script: '{check}'", once)
        wait_until(lambda: (self.dir / "ends").exists(), "the script's end")
        self.assertEqual(self.get(weir).status, 200)
        (self.dir / "ill").touch()
        weir = self.weir([app.address], f"script: '{check}'", once)
        line = self.says(weir, "endpoint is down", 'reason="exit code 7"')
        self.assertIn("f" * 1024 + "...", line)
        self.assertLess(len(line), 1500)

    def test_no_more_scripts_than_allowed_run_at_a_time_and_none_is_left(self):
        app = self.upstream()
        port = app.address.rpartition(":")[2]
        mine = native(self.dir / "on-")  # a file of each script while it runs
        check = self.script(f"touch {mine}$WEIR_ADDRESS\nsleep 0.1\nrm {mine}$WEIR_ADDRESS\n",
                            f'copy nul "{mine}%WEIR_ADDRESS%" >nul\n"{native(TEST_CHILD)}" sleep 100\n'
                            f'del "{mine}%WEIR_ADDRESS%"\n')
        count, times = (8, "interval: 10s, timeout: 9s") if UNDER else (40, "interval: 1s, timeout: 1s")
        weir = self.weir([f"127.0.0.{n}:{port}" for n in range(1, count + 1)], f"script: '{check}'", f", {times}")
        before, most, began = weir.descriptors(), 0, time.monotonic()
        while time.monotonic() < began + (3 if most >= 2 else 30):
            # Those that two looks in a row find all ran between them.
            most = max(most, len(set(self.dir.glob("on-*")) & set(self.dir.glob("on-*"))))
        self.assertGreaterEqual(most, 2)
        self.assertLessEqual(most, 4)
        # Its output and its end; libkqueue has a descriptor of its own for that. While one is being started, its end of
        # the pipe is open, too.
        bound = before + (3 if LIBKQUEUE else 2) * 4
        wait_until(lambda: weir.descriptors() <= bound, lambda: f"{weir.descriptors()} descriptors")
        self.assertNotIn("endpoint", weir.stderr().replace("endpoints", ""))

    def test_a_relative_script_starts_from_the_file_and_a_bare_name_from_path(self):
        path = {"WINEPATH": native(self.dir)} if UNDER else {"PATH": f"{self.dir}:{os.environ['PATH']}"}
        for name, env in (("./checks/app", {}), ("weir-check-here", path)):
            with self.subTest(name):
                app = self.upstream()
                config = self.dir / "weir.yaml"
                (self.dir / "checks").mkdir(exist_ok=True)
                for where in ("weir-check-here", "checks/app"):
                    self.script(f"echo from {name}\nexit 3\n", f"echo from {name}\nexit /b 3\n", where)
                config.write_text(f"""
listeners: {{ web: {{ bind: "127.0.0.1:0", upstream: app }} }}
upstreams: {{ app: {{ endpoints: "{app.address}", health_check: {{ script: "{name}", {FAST} }} }} }}
""")
                weir = Weir(command=["run", native(config)], env=env)
                self.addCleanup(weir.stop)
                self.assertIn(f'output="from {name}"', self.says(weir, "endpoint is down"))

    def test_a_program_is_run_without_a_shell(self):
        one, two = self.upstream(name="one"), self.upstream(name="two")
        script = f"script: ['{native(TEST_CHILD)}', exit"
        weir = Weir(f"""
listeners: {{ web: {{ bind: "127.0.0.1:0", upstream: good }}, other: {{ bind: "127.0.0.1:0", upstream: bad }} }}
upstreams:
  good: {{ endpoints: "{one.address}", health_check: {{ {script}, '0'], {FAST} }} }}
  bad: {{ endpoints: "{two.address}", health_check: {{ {script}, '259'], {FAST} }} }}
""")
        self.addCleanup(weir.stop)
        # 259 is what Windows says of a process that has not ended; elsewhere a byte of it is left.
        self.assertIn(f'reason="exit code {259 if UNDER else 3}"', self.says(weir, "endpoint is down", "upstream=bad"))
        with weir.client("other") as client:
            self.assertEqual(client.get().status, 503)
        self.assertEqual(json.loads(self.get(weir).body)["server"], "one")
        self.assertNotIn("upstream=good", weir.stderr())

    def test_a_script_that_is_not_there_takes_the_endpoint_down_and_says_so(self):
        app = self.upstream()
        weir = self.weir([app.address], f"script: '{native(self.dir / 'no-such-check')}'", f", {FAST}")
        self.assertIn("cannot be started: ", self.says(weir, "endpoint is down"))
        self.assertEqual(self.get(weir).status, 503)


class WithoutChildren(Checked):
    """Windows' select has no child processes."""

    def test_select_on_windows_is_refused_by_the_table(self):
        config = self.dir / "weir.yaml"
        config.write_text('listeners: { web: { bind: "127.0.0.1:0", upstream: app } }\n'
                          'upstreams: { app: { endpoints: "127.0.0.1:1", health_check: { script: [/bin/true] } } }\n')
        asked = [["check", "--target", "windows/select"]] + ([["run", "--backend", "select"]] if UNDER else [])
        for arguments in asked:
            done = run_command(*arguments, str(config))
            self.assertEqual((done.returncode, done.stdout), (78, ""))
            self.assertIn(f"{config}:2:71: error: windows/select:", done.stderr)
            self.assertIn("[windows-select-no-subprocess]", done.stderr)
        self.assertEqual(run_command("check", "--target", "windows/iocp,linux,macos", str(config)).returncode, 0)


class Connections(Checked):
    @libkqueue_gap("an event takes the socket's error away")
    def test_a_tcp_check_follows_a_server_that_goes_away_and_comes_back(self):
        port = unused_port()
        weir = self.weir([f"127.0.0.1:{port}"], "tcp: true", f", {FAST}")
        self.assertIn("check=tcp reason=\"connection refused", self.says(weir, "endpoint is down"))
        self.assertEqual(self.get(weir).status, 503)
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(512)
        self.says(weir, "endpoint is up", "up=1/1")
        listener.close()
        self.says(weir, "endpoint is down", count=2)

    def test_an_http_check_follows_the_status(self):
        health = {"status": 200}

        def script(connection):
            while True:
                request = connection.request()
                connection.server.requests.append(request)
                if request.target == "/healthz?deep=1":
                    connection.respond(health["status"], b"x" * 100_000, reason="Whatever")
                    return
                connection.respond(body=b"fine")

        app = self.upstream(script=script)
        weir = self.weir([app.address], 'http: "/healthz?deep=1"', f", {FAST}")
        wait_until(lambda: len(app.requests) >= 3, "checks")
        request = app.requests[0]
        self.assertEqual((request.method, request.version), ("GET", "HTTP/1.1"))
        self.assertEqual(request.get("Host"), app.address)
        self.assertEqual(request.get("Connection"), "close")
        self.assertEqual(self.get(weir).body, b"fine")
        health["status"] = 500
        self.assertIn('reason="status 500"', self.says(weir, "endpoint is down", "check=http"))
        self.assertEqual(self.get(weir).status, 503)
        health["status"] = 302
        self.says(weir, "endpoint is up")
        self.assertEqual(self.get(weir).body, b"fine")

    def test_a_server_that_accepts_and_says_nothing_is_down(self):
        silent = threading.Event()
        self.addCleanup(silent.set)
        app = self.upstream(script=lambda connection: silent.wait(LIMIT))
        weir = self.weir([app.address], "http: /", ", interval: 500ms, timeout: 200ms, fall: 1")
        self.assertIn("no answer within 200 ms", self.says(weir, "endpoint is down"))
        before = weir.descriptors()
        wait_until(lambda: len(app.connections) >= 5, "more checks")
        self.assertLessEqual(weir.descriptors(), before + 1)

    @unless("windows-no-unix-sockets")
    def test_unix_sockets_are_checked_too(self):
        app = self.upstream(path=str(self.dir / "app.sock"))
        weir = self.weir([app.address], "http: /", f", {FAST}")
        wait_until(lambda: len(app.requests) >= 2, "checks")
        self.assertEqual(app.requests[0].get("Host"), "localhost")
        self.assertEqual(self.get(weir).status, 200)


@unless("windows-select-no-subprocess")
class Drain(Checked):
    def test_a_request_under_way_ends_well_when_its_endpoint_goes_down(self):
        go_on = threading.Event()
        self.addCleanup(go_on.set)

        def script(connection):
            connection.server.requests.append(connection.request())
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf")
            go_on.wait(LIMIT)
            connection.send(b"half")

        app = self.upstream(script=script)
        check = self.script(f"test ! -e {self.dir}/ill\n",
                            f'if exist "{native(self.dir)}\\ill" exit /b 1\nexit /b 0\n')
        weir = self.weir([app.address], f"script: '{check}'", f", {FAST}, fall: 1")
        with weir.client() as client:
            client.send(b"GET / HTTP/1.1\r\nHost: t\r\n\r\n")
            self.assertEqual(client.head().status, 200)
            (self.dir / "ill").touch()
            self.says(weir, "endpoint is down")
            self.assertEqual(self.get(weir).status, 503)
            weir.signal(signal.SIGTERM)
            go_on.set()
            self.assertEqual(client.exactly(8), b"halfhalf")
        self.assertEqual(weir.wait(), 0)


if __name__ == "__main__":
    unittest.main()
