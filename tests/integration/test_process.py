"""The process: commands and exit codes, start and its errors, signals, logs, size."""
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

from harness import (BACKEND, SANITIZED, UNDER, WEIR, Client, Closed, Upstream, Weir, WeirCase, ask_windows, need,
                     run_command, unless, wait_until)

MIB = 1 << 20


class Commands(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)

    def file(self, text, name="weir.yaml"):
        path = pathlib.Path(self.dir.name, name)
        path.write_text(text)
        return str(path)

    def run_weir(self, *arguments, **options):
        return run_command(*arguments, cwd=self.dir.name, **options)

    def test_no_arguments_show_what_to_do(self):
        done = self.run_weir()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for command in ("weir run", "weir check", "weir proxy"):
            self.assertIn(command, done.stdout)

    def test_wrong_usage_is_2_on_stderr(self):
        for arguments in (["rnu"], ["run", "--nonsense"], ["proxy"], ["proxy", ":0"], ["proxy", "x y", "3000"],
                          ["run", "--workers", "0", "x.yaml"], ["run"], ["check"]):
            with self.subTest(arguments):
                done = self.run_weir(*arguments)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertTrue(done.stderr.startswith("weir: "), done.stderr)

    def test_an_unknown_backend_is_answered_with_those_that_exist(self):
        other, where = ("epoll", "Linux") if UNDER else ("iocp", "Windows")
        done = self.run_weir("proxy", ":0", "3000", "--backend", other)
        self.assertEqual(done.returncode, 2)
        self.assertIn(f"{other} exists on {where} only; here: auto, ", done.stderr)
        self.assertIn("iocp, select" if UNDER else "poll, select", done.stderr)
        done = self.run_weir("proxy", ":0", "3000", "--backend", "epol")
        self.assertEqual(done.returncode, 2)
        self.assertIn('there is no backend "epol"; here: auto, ', done.stderr)
        self.assertIn('did you mean "epoll"?', done.stderr)
        done = self.run_weir("check", self.file(f"runtime: {{ backend: {other} }}\nlisteners: {{ web: ':0' }}\n"
                                                "routes: [{ respond: hi }]\n"))
        self.assertEqual(done.returncode, 78)
        self.assertIn(other, done.stderr)

    def test_version_tells_what_was_built(self):
        self.assertRegex(self.run_weir("version").stdout, r"^weir \d+\.\d+\.\d+\n$")
        self.assertEqual(self.run_weir("--version").stdout, self.run_weir("version").stdout)
        details = self.run_weir("version", "-v").stdout
        for word in ("compiler: ", "build: ", "iocp " if UNDER else "poll ", "select ", 'chosen for "auto"', "yaml-cpp 0", "fmt "):
            self.assertIn(word, details)

    def test_check_says_everything_that_is_wrong_at_once(self):
        path = self.file('listeners:\n  web: { bind: ":8080", upstraem: app }\nupstreams:\n  app: ["127.0.0.1:99999"]\n'
                         "timeouts: { idle: 5 }\n")
        done = self.run_weir("check", path)
        self.assertEqual((done.returncode, done.stdout), (78, ""))
        for piece in (f"{path}:2:25", 'did you mean "upstream"', "127.0.0.1:99999", "5s", "^"):
            self.assertIn(piece, done.stderr)
        self.assertGreaterEqual(done.stderr.count(": error: "), 3)
        done = self.run_weir("run", path)
        self.assertEqual(done.returncode, 78)
        self.assertIn("nothing was started", done.stderr)

    def test_check_looks_at_each_file_and_at_the_default(self):
        good = self.file("listeners: { web: ':8080' }\nroutes: [{ respond: hi }]\n")
        bad = self.file("listeners: 3\n", "bad.yaml")
        self.assertEqual(self.run_weir("check").returncode, 0)
        done = self.run_weir("check", good, bad)
        self.assertEqual(done.returncode, 78)
        self.assertIn(f"{good}: fine, 1 listener, 1 route, 0 upstreams", done.stdout)
        self.assertIn(bad, done.stderr)
        self.assertEqual(self.run_weir("check", "missing.yaml").returncode, 78)

    def test_check_v_prints_routes_in_match_order(self):
        path = self.file("""
listeners: { web: { bind: ":8080", upstream: app } }
routes:
  - { path: /b, upstream: app }
  - { host: "*.x.test", upstream: app }
  - { host: a.x.test, path: /deep, upstream: app }
  - { host: a.x.test, path: "=/deep/er", upstream: app }
  - { host: a.x.test, path: /deep, methods: POST, respond: 204 }
upstreams: { app: ["127.0.0.1:3000"] }
""")
        done = self.run_weir("check", "-v", path)
        self.assertEqual(done.returncode, 0, done.stderr)
        order = [line.split(" -> ")[0].strip() for line in done.stdout.splitlines() if " -> " in line]
        self.assertEqual(order[:5], ["a.x.test/deep/er (exact)", "a.x.test/deep POST", "a.x.test/deep", "*.x.test/", "*/b"])
        self.assertTrue(order[5].startswith("*/ (on web"))
        self.assertIn("weir.yaml:7:", done.stdout)

    def test_a_port_in_use_is_named_with_its_place(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            path = self.file(f'listeners:\n  web:\n    bind: ["127.0.0.1:{port}", "127.0.0.1:0"]\nroutes: [{{ respond: x }}]\n')
            for workers in ("1", "2"):
                done = self.run_weir("run", path, "--workers", workers)
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr, rf"cannot listen on 127\.0\.0\.1:{port} \(listener web, {re.escape(path)}:\d+:\d+\): "
                                              "the address is in use: ")

    def test_a_second_weir_on_the_same_port_is_refused(self):
        for workers in (1, 2):
            first = Weir(command=["proxy", "127.0.0.1:0", "3000"], workers=workers)
            done = self.run_weir("proxy", first.address("proxy"), "3000", "--workers", "2")
            first.stop()
            self.assertEqual(done.returncode, 1)
            self.assertIn("the address is in use", done.stderr)

    @unless("windows-no-unix-sockets")
    def test_what_cannot_be_opened_is_said_for_every_address(self):
        path = self.file('listeners:\n  a: { bind: ["203.0.113.77:8080", "unix:/nonexistent/dir/a.sock"] }\n'
                         "routes: [{ respond: x }]\n")
        done = self.run_weir("run", path)
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot listen on 203.0.113.77:8080 (listener a", done.stderr)
        self.assertIn("this machine does not have that address", done.stderr)
        self.assertIn("cannot listen on unix:/nonexistent/dir/a.sock", done.stderr)
        self.assertIn("no such directory", done.stderr)

    def test_a_name_that_does_not_resolve_fails_the_start(self):
        path = self.file('listeners: { web: { bind: "127.0.0.1:0", upstream: app } }\n'
                         'upstreams: { app: ["nowhere.invalid:80"] }\n')
        done = self.run_weir("run", path)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"cannot resolve endpoint nowhere\.invalid:80 \(upstream app, .*weir\.yaml:2:\d+\): ")

    def test_a_log_that_cannot_be_opened_fails_the_start(self):
        path = self.file('listeners: { web: "127.0.0.1:0" }\nroutes: [{ respond: x }]\n'
                         "access_log: { path: /nonexistent/access.log }\n")
        done = self.run_weir("run", path)
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nonexistent/access.log", done.stderr)

    @unless("windows-no-signal-handlers")
    def test_addresses_can_be_printed_for_programs(self):
        process = subprocess.Popen([*UNDER, WEIR, "proxy", "127.0.0.1:0", "3000", "--print-addresses", "--access-log", "off"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        line = json.loads(process.stdout.readline())
        self.assertRegex(line["listeners"]["proxy"][0], r"^127\.0\.0\.1:[1-9]\d*$")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        self.assertEqual((process.returncode, out), (0, b""))
        self.assertIn(f"listening on http://{line['listeners']['proxy'][0]} (listener proxy), ".encode(), err)


    def test_signalling_a_process_that_does_not_exist_says_so(self):
        done = self.run_weir("stop", "--pid", "2147483647")
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot signal process 2147483647: no such process", done.stderr)

    @unless("windows-no-signal-handlers")  # there a process is asked by an event that only weir has
    def test_a_process_that_is_not_weir_is_not_signalled(self):
        other = subprocess.Popen(["sleep", "1000"])
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        for words in (["stop"], ["stop", "--now"], ["reopen-logs"]):
            done = self.run_weir(*words, "--pid", str(other.pid))
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"process {other.pid} is not weir but sleep: it was not signalled", done.stderr)
        self.assertIsNone(other.poll())

    @unless("windows-no-unix-sockets")
    def test_the_path_of_a_standard_output_that_is_a_socket_is_answered_with_its_name(self):
        ours, its = socket.socketpair()
        self.addCleanup(ours.close)
        with its:
            done = subprocess.run([WEIR, "run", self.file("listeners: { web: '127.0.0.1:0' }\nroutes: [{ respond: hi }]\n"
                                                          "access_log: { path: /dev/stdout }\n")],
                                  stdout=its, stderr=subprocess.PIPE, text=True, timeout=20)
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot open the log file /dev/stdout: ", done.stderr)
        self.assertIn("write stdout instead", done.stderr)

    def test_what_stops_a_start_is_said_with_time_and_level(self):
        done = self.run_weir("run", self.file("listeners: { web: '127.0.0.1:0' }\nroutes: [{ respond: hi }]\n"
                                              "access_log: { path: /nonexistent/access.log }\n"))
        self.assertRegex(done.stderr.splitlines()[-1],
                         r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z error cannot open the log file ")


def gated(connection):
    """Answers at once, /hold when the gate of its server is open, /long with 8 MiB of which half waits for the gate."""
    while True:
        request = connection.head()
        connection.body_of(request)
        connection.server.requests.append(request)
        if request.target == "/hold":
            connection.server.gate.wait()
        if request.target == "/long":
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (8 * MIB) + b"x" * (4 * MIB))
            connection.server.gate.wait()
            connection.send(b"y" * (4 * MIB))
        else:
            connection.respond(body=b"fine")


class Signals(WeirCase):
    @classmethod
    def setUpClass(cls):
        pass

    def serve(self, timeout="30s", idle="200ms", **options):
        app = Upstream(gated)
        app.gate = threading.Event()
        self.addCleanup(app.close)
        self.addCleanup(app.gate.set)
        weir = self.start(f"""
listeners: {{ web: {{ bind: "127.0.0.1:0", upstream: app }} }}
runtime: {{ shutdown: {{ timeout: {timeout}, idle: {idle} }} }}
access_log: json
upstreams: {{ app: ["{app.address}"] }}
""", **options)
        return weir, app

    def refuses(self, weir):
        """True once nothing listens any more."""
        try:
            Client(weir.address()).close()
        except ConnectionRefusedError:
            return True
        return False

    def drains(self, weir, probe):
        """Once nothing listens any more and answers say so: on Windows a moment lies between, in which answers do not."""
        wait_until(lambda: self.refuses(weir), "the listener to be closed")
        wait_until(lambda: not UNDER or self.is_last(probe), "the drain")

    def is_last(self, client):
        """The answer says that none follows, or there was none: the client has been idle for too long."""
        try:
            return client.get().get("Connection") == "close"
        except Closed:
            return True

    def holding(self, weir, app, target="/hold"):
        client = weir.client()
        self.addCleanup(client.close)
        client.send(f"GET {target} HTTP/1.1\r\nHost: t\r\n\r\n".encode())
        wait_until(lambda: app.requests, "the request")
        return client

    def test_term_finishes_what_is_in_flight_and_refuses_new_connections(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                weir, app = self.serve()
                client = self.holding(weir, app)
                with weir.client() as probe:
                    weir.signal(number)
                    self.drains(weir, probe)
                app.gate.set()
                response = client.response()
                self.assertEqual((response.body, response.get("Connection")), (b"fine", "close"))
                self.assertTrue(client.ended())
                self.assertEqual(weir.wait(), 0)

    def test_term_while_a_long_download_runs_finishes_it(self):
        weir, app = self.serve()
        client = self.holding(weir, app, "/long")
        client.keep = False
        self.assertEqual(client.head().status, 200)
        weir.signal(signal.SIGTERM)
        wait_until(lambda: self.refuses(weir), "the listener to be closed")
        app.gate.set()
        body = client.exactly(8 * MIB)
        self.assertEqual(body, b"x" * (4 * MIB) + b"y" * (4 * MIB))
        self.assertEqual(weir.wait(), 0)

    def test_an_idle_connection_may_send_one_more_request(self):
        weir, app = self.serve(idle="10s")
        client = weir.client()
        self.addCleanup(client.close)
        self.assertEqual(client.get().body, b"fine")
        with weir.client() as probe:
            weir.signal(signal.SIGTERM)
            self.drains(weir, probe)
        response = client.get()
        self.assertEqual((response.body, response.get("Connection")), (b"fine", "close"))
        self.assertEqual(weir.wait(), 0)

    def test_idle_connections_do_not_hold_up_the_end(self):
        weir, _ = self.serve()
        clients = [weir.client() for _ in range(20)]
        for client in clients[:10]:
            self.assertEqual(client.get().body, b"fine")
        weir.signal(signal.SIGTERM)
        self.assertEqual(weir.wait(), 0)
        for client in clients:
            self.assertTrue(client.ended())
            client.close()

    def test_stop_asks_another_process_and_the_log_can_be_reopened(self):
        weir, app = self.serve()
        client = self.holding(weir, app)
        self.assertEqual(run_command("reopen-logs", "--pid", str(weir.info["pid"])).returncode, 0)
        wait_until(lambda: "no log file to reopen" in weir.stderr(), "the log line")
        self.assertEqual(run_command("stop", "--pid", str(weir.info["pid"])).returncode, 0)
        wait_until(lambda: self.refuses(weir), "the closed listener")
        app.gate.set()
        self.assertEqual(client.response().body, b"fine")
        weir.wait()

    def test_stop_now_cuts_what_is_in_flight(self):
        weir, app = self.serve()
        client = self.holding(weir, app)
        self.assertEqual(run_command("stop", "--now", "--pid", str(weir.info["pid"])).returncode, 0)
        self.assertEqual(weir.wait(), 0)
        self.assertTrue(client.ended())

    def test_a_second_signal_stops_now(self):
        weir, app = self.serve()
        client = self.holding(weir, app)
        weir.signal(signal.SIGTERM)
        wait_until(lambda: self.refuses(weir), "the listener to be closed")
        weir.signal(signal.SIGTERM)
        self.assertEqual(weir.wait(), 0)
        with self.assertRaises(Closed):
            client.response()
        self.assertEqual([json.loads(line)["end"] for line in weir.lines()], ["stopped"])

    def test_quit_stops_now(self):
        weir, app = self.serve()
        client = self.holding(weir, app)
        weir.signal(signal.SIGQUIT)
        self.assertEqual(weir.wait(), 0)
        with self.assertRaises(Closed):
            client.response()

    def test_the_bound_of_the_shutdown_cuts_what_is_left(self):
        weir, app = self.serve(timeout="200ms")
        client = self.holding(weir, app)
        weir.signal(signal.SIGTERM)
        self.assertEqual(weir.wait(), 0)
        with self.assertRaises(Closed):
            client.response()

    @unless("windows-no-signal-handlers")
    def test_hup_reloads_and_pipe_changes_nothing(self):
        weir, _ = self.serve()
        weir.signal(signal.SIGHUP)
        weir.signal(signal.SIGPIPE)
        wait_until(lambda: "reloaded file=" in weir.stderr(), weir.stderr)
        with weir.client() as client:
            self.assertEqual(client.get().body, b"fine")

    @unless("windows-no-signal-handlers")
    def test_hup_ends_a_proxy_without_a_file_unless_nohup_started_it(self):
        weir = self.start(command=["proxy", "127.0.0.1:0", "9"])
        weir.signal(signal.SIGHUP)
        self.assertEqual(weir.wait(), 0)
        weir = self.start(command=["proxy", "127.0.0.1:0", "9"], under=["nohup"])
        weir.signal(signal.SIGHUP)
        with weir.client("proxy") as client:
            self.assertEqual(client.get().status, 502)

    def test_term_under_load_loses_no_request(self):
        weir, _ = self.serve(idle="10s")
        served, lost = [], []
        begun = threading.Event()

        def drive():
            count = 0
            try:
                while True:
                    with weir.client() as client:
                        while True:
                            response = client.get()
                            assert response.body == b"fine"
                            count += 1
                            if count == 20:
                                begun.set()
                            if response.get("Connection") == "close":
                                break
            except ConnectionRefusedError:
                served.append(count)
            except Exception as error:  # an accepted request without its answer
                lost.append(repr(error))

        threads = [threading.Thread(target=drive) for _ in range(8)]
        for thread in threads:
            thread.start()
        begun.wait(20)
        weir.signal(signal.SIGTERM)
        for thread in threads:
            thread.join()
        self.assertEqual(weir.wait(), 0)
        self.assertEqual(lost, [])
        self.assertEqual(len(served), 8)
        self.assertEqual(len(weir.lines()), sum(served))

    @unless("windows-no-unix-sockets")
    def test_a_socket_file_is_removed_and_a_stale_one_is_replaced(self):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/weir.sock"
            config = f"listeners: {{ web: 'unix:{path}' }}\nroutes: [{{ respond: hi }}]\n"
            weir = self.start(config)
            with weir.client() as client:
                self.assertEqual(client.get().body, b"hi")
            weir.process.kill()
            weir.process.wait()
            self.assertTrue(os.path.exists(path))
            weir.stop(expect=-signal.SIGKILL)
            weir = Weir(config)
            with weir.client() as client:
                self.assertEqual(client.get().body, b"hi")
            weir.stop()
            self.assertFalse(os.path.exists(path))

    @unless("windows-no-unix-sockets")
    def test_a_socket_file_that_the_next_weir_bound_is_left_to_it(self):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/weir.sock"
            config = f"listeners: {{ web: 'unix:{path}' }}\nroutes: [{{ respond: hi }}]\n"
            first = self.start(config)
            os.rename(path, f"{path}.old")
            second = self.start(config)
            first.signal(signal.SIGTERM)
            self.assertEqual(first.wait(), 0)
            with second.client() as client:
                self.assertEqual(client.get().body, b"hi")

    @unless("windows-no-signal-handlers")
    def test_children_that_weir_inherits_are_reaped(self):
        """A shell's, whose place weir takes by exec: one that has ended before weir starts, one that ends later."""
        with tempfile.TemporaryDirectory() as folder:
            gate = f"{folder}/gate"
            os.mkfifo(gate)
            weir = self.start("listeners: { web: '127.0.0.1:0' }\nroutes: [{ respond: hi }]\n",
                              under=["sh", "-c", f"true & cat {gate} & exec \"$@\"", "sh"])

            def children():
                lines = subprocess.run(["ps", "-A", "-o", "ppid=,stat="], capture_output=True, text=True).stdout.splitlines()
                return [line for line in lines if line.split()[0] == str(weir.pid)]

            wait_until(lambda: len(children()) == 1, lambda: str(children()))
            with open(gate, "w"):
                pass
            wait_until(lambda: not children(), lambda: str(children()))


class Logs(WeirCase):
    @classmethod
    def setUpClass(cls):
        pass

    def test_usr1_reopens_the_log(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "access.log")
            weir = self.start(f"listeners: {{ web: '127.0.0.1:0' }}\nroutes: [{{ respond: hi }}]\n"
                              f"access_log: {{ path: {path} }}\n")
            with weir.client() as client:
                client.get("/first")
                wait_until(lambda: "/first" in path.read_text(), "the first line")
                path.rename(f"{path}.1")
                weir.signal(signal.SIGUSR1)
                wait_until(path.exists, "the new file")
                wait_until(lambda: f"log file {path} reopened" in weir.stderr(), weir.stderr)
                client.get("/second")
                wait_until(lambda: "/second" in path.read_text(), "the second line")
                self.assertNotIn("/second", pathlib.Path(f"{path}.1").read_text())

    def test_a_log_that_cannot_be_reopened_is_written_on_and_somebody_is_told(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "logs", "access.log")
            path.parent.mkdir()
            weir = self.start(f"listeners: {{ web: '127.0.0.1:0' }}\nroutes: [{{ respond: hi }}]\n"
                              f"access_log: {{ path: {path} }}\n")
            moved = path.parent.rename(pathlib.Path(folder, "moved"))
            weir.signal(signal.SIGUSR1)
            wait_until(lambda: "cannot open the log file" in weir.stderr(), weir.stderr)
            with weir.client() as client:
                client.get("/after")
            wait_until(lambda: "/after" in pathlib.Path(moved, "access.log").read_text(), "the line")
            self.assertNotIn("reopened", weir.stderr())

    @unless("windows-no-unix-sockets")  # there is no device that is always full either
    def test_lines_that_cannot_be_written_are_told_of_once(self):
        weir = self.start("listeners: { web: '127.0.0.1:0' }\nroutes: [{ respond: hi }]\naccess_log: { path: /dev/full }\n")
        with weir.client() as client:
            for _ in range(3):
                self.assertEqual(client.get().body, b"hi")
                wait_until(lambda: "access log: cannot be written: " in weir.stderr(), weir.stderr)
        weir.signal(signal.SIGTERM)
        self.assertEqual(weir.wait(), 0)
        self.assertEqual(weir.stderr().count("cannot be written"), 1)

    @unless("windows-no-unix-sockets")  # nor FIFOs
    def test_a_fifo_without_a_reader_neither_keeps_weir_from_starting_nor_from_ending(self):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/fifo"
            os.mkfifo(path)
            weir = self.start("listeners: { web: '127.0.0.1:0' }\nroutes: [{ respond: hi }]\n"
                              f"access_log: {{ path: {path} }}\n")
            with weir.client() as client:
                for _ in range(40):  # more than a FIFO holds
                    self.assertEqual(client.get(headers=[("User-Agent", "a" * 8000)]).body, b"hi")
            weir.signal(signal.SIGTERM)
            self.assertEqual(weir.wait(), 0)

    def test_every_request_has_its_line_when_the_process_has_ended(self):
        weir = self.start("listeners: { web: '127.0.0.1:0' }\nroutes: [{ respond: hi }]\naccess_log: combined\n", workers=2)
        clients = [weir.client() for _ in range(10)]
        for number in range(500):
            clients[number % 10].get(f"/{number}")
        for client in clients:
            client.close()
        weir.signal(signal.SIGTERM)
        self.assertEqual(weir.wait(), 0)
        numbers = sorted(int(re.search(r'"GET /(\d+) ', line)[1]) for line in weir.lines())
        self.assertEqual(numbers, list(range(500)))

    def test_a_reader_of_the_log_that_is_gone_ends_nothing(self):
        process = subprocess.Popen([*UNDER, WEIR, "proxy", "127.0.0.1:0", "9", "--print-addresses"], stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL)
        info = json.loads(process.stdout.readline())
        address = info["listeners"]["proxy"][0]
        process.stdout.close()
        with Client(address) as client:
            for _ in range(20):
                self.assertEqual(client.get().status, 502)
        ask_windows(info["pid"], signal.SIGTERM) if UNDER else process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(20), 0)


    def test_a_reader_of_the_log_that_stopped_reading_does_not_keep_the_process(self):
        process = subprocess.Popen([*UNDER, WEIR, "proxy", "127.0.0.1:0", "9", "--print-addresses"], stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL)
        self.addCleanup(process.stdout.close)
        info = json.loads(process.stdout.readline())
        address = info["listeners"]["proxy"][0]
        with Client(address) as client:
            for _ in range(40):  # more than a pipe holds
                self.assertEqual(client.get(headers=[("User-Agent", "a" * 8000)]).status, 502)
        ask_windows(info["pid"], signal.SIGTERM) if UNDER else process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(20), 0)


class Size(WeirCase):
    @classmethod
    def configure(cls):
        cls.app = cls.upstream()
        routes = "\n".join(f'  - {{ host: h{n}.bench.test, path: /api/{n}, upstream: app }}' for n in range(10_000))
        return f"""
listeners: {{ web: {{ bind: "127.0.0.1:0" }} }}
routes:
{routes}
upstreams: {{ app: ["{cls.app.address}"] }}
"""

    def test_ten_thousand_routes_fit_into_twenty_mebibytes(self):
        client = self.client()
        for number in (0, 1, 4999, 9999):
            response = client.get(f"/api/{number}/x", host=f"h{number}.bench.test")
            self.assertEqual(self.seen(response)["target"], f"/api/{number}/x")
        self.assertEqual(client.get("/api/1", host="h2.bench.test").status, 404)
        # wine's own part is in every process that it runs.
        without = self.start("listeners: { web: '127.0.0.1:0' }\nroutes: [{ respond: hi }]\n").memory() if UNDER else 0
        if not SANITIZED:
            self.assertLess(self.weir.memory() - without, 20 * MIB)

    def test_threads_are_few_and_named(self):
        names = sorted(pathlib.Path(path, "comm").read_text().strip()
                       for path in pathlib.Path(f"/proc/{self.weir.pid}/task").iterdir())
        self.assertEqual([n for n in names if n.startswith("weir/")], [f"weir/{n}" for n in range(self.weir.info["workers"])])
        self.assertEqual(self.weir.info["backend"] == BACKEND or BACKEND == "auto", True)


@unless("windows-no-unix-sockets")
class Tools(WeirCase):
    """Load generators that others wrote."""

    @classmethod
    def configure(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        return f"""
listeners: {{ web: {{ bind: "127.0.0.1:0", upstream: self }}, back: {{ bind: "unix:{folder.name}/back" }} }}
routes: [{{ listeners: back, respond: "answer" }}]
upstreams: {{ self: ["unix:{folder.name}/back"] }}
"""

    def test_wrk_sees_no_error(self):
        wrk = need("wrk", "wrk")
        done = subprocess.run([wrk, "-t1", "-c16", "-d1s", self.weir.url("/")], capture_output=True, text=True, timeout=60)
        self.assertRegex(done.stdout, r"Requests/sec: +[1-9]")
        self.assertNotIn("Socket errors", done.stdout)
        self.assertNotIn("Non-2xx", done.stdout)

    def test_h2load_sees_no_error(self):
        h2load = need("h2load", "nghttp2-client")
        count = 500 if SANITIZED else 5000
        done = subprocess.run([h2load, "--h1", "-n", str(count), "-c", "32", self.weir.url("/")], capture_output=True,
                              text=True, timeout=60)
        self.assertIn(f"{count} succeeded, 0 failed, 0 errored", done.stdout)


if __name__ == "__main__":
    unittest.main()
