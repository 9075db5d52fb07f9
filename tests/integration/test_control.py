"""The control socket: its commands against real processes, who may use it, and what bad clients cannot do."""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

from test_upgrade import HANDSHAKE, websocket

from harness import (BACKEND, LIMIT, UNDER, WEIR, Client, Closed, Upstream, Weir, native, run_command, unless,
                     wait_until)

HELLO = "listeners: { web: '127.0.0.1:0' }\nroutes: [{ respond: hi }]\n"


def gated(connection):
    """Answers when the gate opens."""
    while True:
        connection.server.requests.append(connection.request())
        connection.server.gate.wait(LIMIT)
        connection.respond(body=b"fine")


class Control(unittest.TestCase):
    """Every test has a directory of its own for sockets: $RUNTIME_DIRECTORY names it, for weir and for its commands."""

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="weir-control-")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.env = {"RUNTIME_DIRECTORY": self.dir}

    def start(self, config=HELLO, **options):
        weir = Weir(config, env={**self.env, **options.pop("env", {})}, **options)
        self.addCleanup(weir.stop)
        return weir

    def command(self, *words, **options):
        return run_command(*words, env={**self.env, **options.pop("env", {})}, **options)

    def ok(self, *words, **options):
        done = self.command(*words, **options)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def socket_of(self, weir):
        return pathlib.Path(self.dir, f"{weir.info['pid']}.sock")

    def raw(self, weir):
        client = Client(f"unix:{self.socket_of(weir)}")
        self.addCleanup(client.close)
        return client

    def holding(self, config=""):
        """A weir with a request in flight, which is answered when the gate opens."""
        app = Upstream(gated)
        app.gate = threading.Event()
        self.addCleanup(app.close)
        self.addCleanup(app.gate.set)
        weir = self.start(f"listeners: {{ web: {{ bind: '127.0.0.1:0', upstream: app }} }}\n"
                          f"upstreams: {{ app: ['{app.address}'] }}\n{config}")
        client = weir.client()
        self.addCleanup(client.close)
        client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: app.requests, "the request upstream")
        return weir, app, client

    def refused(self, weir):
        try:
            weir.client().close()
            return False
        except ConnectionRefusedError:
            return True


@unless("windows-no-unix-sockets")  # OnPipes has what is different there
class Verbs(Control):
    def test_status_is_a_table_and_json(self):
        weir = self.start()
        with weir.client() as client:
            client.get()
            text = self.ok("status")
            self.assertRegex(text, rf"^weir \d+\.\d+\.\d+, pid {weir.info['pid']}, serving, started 20\d\d-")
            self.assertIn(f"web: {weir.address()}", text)
            told = json.loads(self.ok("status", "--json"))
            self.assertTrue(told["ok"])
            self.assertEqual((told["pid"], told["state"]), (weir.info["pid"], "serving"))
            self.assertEqual(told["listeners"], [{"name": "web", "addresses": [weir.address()]}])
            self.assertEqual(told["workers"], weir.info["workers"])
            self.assertEqual(told["backend"], weir.info["backend"])
            self.assertEqual(told["max_connections"], weir.info["max_connections"])
            self.assertEqual((told["connections"], told["counters"]["requests"]), (1, 1))
            self.assertTrue(told["config"].endswith("weir.yaml"))
            self.assertIsNone(told["last_reload"])

    def test_stop_finishes_what_is_in_flight(self):
        weir, app, client = self.holding()
        self.assertEqual(self.ok("stop"), "stopping: requests in flight have 30000 ms\n")
        wait_until(lambda: self.refused(weir), "the closed listener")
        self.assertEqual(json.loads(self.ok("status", "--json"))["state"], "stopping")
        app.gate.set()
        self.assertEqual(client.response().body, b"fine")
        self.assertEqual(weir.wait(), 0)
        self.assertEqual(list(pathlib.Path(self.dir).iterdir()), [])

    def test_stop_now_cuts_what_is_in_flight(self):
        weir, _, client = self.holding()
        self.assertEqual(self.ok("stop", "--now"), "stopping now\n")
        self.assertEqual(weir.wait(), 0)
        with self.assertRaises(Closed):
            client.response()

    def test_drain_refuses_newcomers_and_waits_longer_than_a_stop_would(self):
        weir, app, client = self.holding("runtime: { shutdown: { timeout: 1ms } }\n")
        self.assertIn("draining: ", self.ok("drain"))
        wait_until(lambda: self.refused(weir), "the closed listener")
        self.assertEqual(json.loads(self.ok("status", "--json"))["state"], "draining")
        self.assertIsNone(weir.process.poll())
        app.gate.set()
        self.assertEqual(client.response().body, b"fine")
        self.assertEqual(weir.wait(), 0)

    def test_a_stop_bounds_a_drain(self):
        weir, _, client = self.holding("runtime: { shutdown: { timeout: 1ms } }\n")
        self.ok("drain")
        wait_until(lambda: self.refused(weir), "the closed listener")
        self.ok("stop")
        self.assertEqual(weir.wait(), 0)
        with self.assertRaises(Closed):
            client.response()

    def test_reopened_logs_are_told_of(self):
        log = pathlib.Path(self.dir, "access.log")
        self.start(HELLO + f"access_log: {{ path: {log} }}\n")
        log.rename(f"{log}.1")
        self.assertIn("access.log reopened", self.ok("reopen-logs"))
        self.assertTrue(log.exists())

    def test_logs_that_cannot_be_reopened_fail_the_command(self):
        logs = pathlib.Path(self.dir, "logs")
        logs.mkdir()
        self.start(HELLO + f"access_log: {{ path: {logs}/access.log }}\n")
        logs.rename(f"{logs}.moved")
        done = self.command("reopen-logs")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("cannot open the log file ", done.stderr)
        self.assertIn("still writing to the old file", done.stderr)
        told = json.loads(self.command("reopen-logs", "--json").stdout)
        self.assertEqual((told["ok"], told["exit_code"]), (False, 1))
        logs.mkdir()
        self.ok("reopen-logs")

    def test_without_a_log_file_there_is_nothing_to_reopen(self):
        self.start()
        self.assertEqual(self.ok("reopen-logs"), "no log file to reopen\n")

    def test_a_log_that_blocks_holds_up_neither_the_other_verbs_nor_the_end(self):
        fifo = pathlib.Path(self.dir, "access.log")
        os.mkfifo(fifo)
        weir = self.start(HELLO + f"access_log: {{ path: {fifo} }}\n")
        with weir.client() as client:
            for _ in range(40):
                client.get("/" + "x" * 4000)  # more than a pipe holds
        asking = subprocess.Popen([WEIR, "reopen-logs"], env={**os.environ, **self.env}, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE)
        self.addCleanup(asking.communicate)
        wait_until(lambda: "asks for: reopen-logs" in weir.stderr(), weir.stderr)
        self.ok("status")
        self.ok("stop")
        self.assertEqual(weir.wait(), 0)
        self.assertEqual(asking.wait(), 1)

    def test_what_fails_says_so(self):
        weir = self.start()
        file = pathlib.Path(weir.dir, "weir.yaml")
        file.write_text("listeners: [")
        done = self.command("reload")
        self.assertEqual((done.returncode, done.stdout), (78, ""))
        self.assertIn("was not taken up, weir goes on as before\n", done.stderr)
        self.assertIn("weir.yaml:1:1: error", done.stderr)
        done = self.command("upgrade")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("upgrade refused: the new process did not serve: it ended with exit code 78", done.stderr)
        with weir.client() as client:
            self.assertEqual(client.get().body, b"hi")
        told = json.loads(self.ok("status", "--json"))
        self.assertEqual((told["state"], told["last_reload"]["result"], told["refused_reloads"]), ("serving", "failed", 1))

    def test_a_reload_can_be_planned_and_bounded(self):
        app = Upstream(websocket)
        self.addCleanup(app.close)
        config = ('listeners: {{ web: {{ bind: "127.0.0.1:0", upstream: app }}{} }}\n'
                  'upstreams: {{ app: "{}" }}\nruntime: {{ shutdown: {{ timeout: 1s }} }}\n')
        weir = self.start(config.format(', more: { bind: "127.0.0.1:0", upstream: app }', app.address))
        client = weir.client("more")
        self.addCleanup(client.close)
        client.send(HANDSHAKE)
        client.head()
        client.exactly(5)
        pathlib.Path(weir.dir, "weir.yaml").write_text(config.format("", app.address))
        done = self.command("reload", "--plan")
        self.assertEqual((done.returncode, done.stderr), (3, ""))
        self.assertIn("listener more: removed, closes 127.0.0.1:0, 1 connection drained, 1 tunnel cut\n", done.stdout)
        done = self.command("reload", "--max-cut", "0")
        self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertIn("1 tunnels would be cut, 0 are allowed", done.stderr)
        client.send(b"still")
        self.assertEqual(client.exactly(5), b"still")
        plan = json.loads(self.command("reload", "--max-cut", "1", "--json").stdout)["plan"]
        self.assertEqual((plan["cut"], plan["listeners"][1]["fate"]), (1, "removed"))
        self.assertEqual(client.rest(), b"")


@unless("windows-no-unix-sockets")  # OnPipes has what is different there
class Finding(Control):
    def test_none_is_running(self):
        for words in (["status"], ["stop"], ["reload"]):
            done = self.command(*words)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn("no weir is running that this user may control: looked in ", done.stderr)
        self.assertIn(self.dir, done.stderr)

    def test_several_are_told_apart(self):
        first, second = self.start(), self.start()
        done = self.command("status")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("2 weirs are running; choose one with -c FILE or --control ADDRESS:\n", done.stderr)
        for weir in (first, second):
            self.assertIn(f"pid {weir.info['pid']}  ", done.stderr)
            told = json.loads(self.ok("status", "--json", "-c", f"{weir.dir}/weir.yaml"))
            self.assertEqual(told["pid"], weir.info["pid"])
        self.ok("stop", "-c", f"{first.dir}/weir.yaml")
        self.assertEqual(first.wait(), 0)
        self.assertEqual(json.loads(self.ok("status", "--json"))["pid"], second.info["pid"])
        done = self.command("stop", "-c", f"{first.dir}/weir.yaml")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no weir is running with ", done.stderr)
        self.assertIsNone(second.process.poll())

    def test_what_a_killed_weir_left_is_removed_by_the_next_one_and_by_commands(self):
        for cleaner in (lambda: self.command("status"), self.start):
            weir = self.start()
            left = self.socket_of(weir)
            weir.process.kill()
            weir.stop(expect=-signal.SIGKILL)
            self.assertTrue(left.exists())
            cleaner()
            self.assertFalse(left.exists())
        self.ok("status")

    def test_a_place_of_its_own_is_found_as_well(self):
        where = f"{self.dir}/mine"
        for options in ({"config": HELLO + f"runtime: {{ control: 'unix:{where}' }}\n"},
                        {"config": None, "command": ["proxy", "127.0.0.1:0", "3000", "--control", f"unix:{where}"]}):
            weir = self.start(**options)
            self.assertEqual(json.loads(self.ok("status", "--json"))["pid"], weir.info["pid"])
            self.assertEqual(json.loads(self.ok("status", "--json", "--control", f"unix:{where}"))["pid"], weir.info["pid"])
            self.ok("stop")
            self.assertEqual(weir.wait(), 0)
            self.assertEqual(list(pathlib.Path(self.dir).iterdir()), [])
        done = self.command("status", "--control", f"unix:{where}")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"no weir listens on unix:{where}", done.stderr)

    def test_off_is_off_and_weir_proxy_has_it_off(self):
        for options in ({"config": HELLO + "runtime: { control: off }\n"},
                        {"config": None, "command": ["proxy", "127.0.0.1:0", "3000"]}):
            self.start(**options)
            self.assertEqual(list(pathlib.Path(self.dir).iterdir()), [])

    def test_a_socket_that_cannot_be_made_does_not_stop_weir(self):
        os.chmod(self.dir, 0o777)  # anybody may have made what lies there
        weir = self.start()
        with weir.client() as client:
            self.assertEqual(client.get().body, b"hi")
        self.assertEqual(weir.stderr().count("no control socket, so weir status, stop and the like do not reach"), 1)
        self.assertIn(f"{self.dir}: permission denied", weir.stderr())
        self.assertEqual(self.command("status").returncode, 1)

    def test_the_file_of_another_is_not_removed_at_the_end(self):
        weir = self.start()
        path = self.socket_of(weir)
        path.unlink()
        path.write_text("another's")
        weir.signal(signal.SIGTERM)
        self.assertEqual(weir.wait(), 0)
        self.assertEqual(path.read_text(), "another's")


@unless("windows-no-unix-sockets")
class Strangers(Control):
    def test_only_its_user_and_root_may_connect(self):
        weir = self.start()
        self.assertEqual(self.socket_of(weir).stat().st_mode & 0o777, 0o600)
        if os.geteuid() != 0:
            return
        copy = pathlib.Path(tempfile.mkdtemp(prefix="weir-stranger-"), "weir")  # where another user can start it
        self.addCleanup(shutil.rmtree, copy.parent)
        shutil.copy(WEIR, copy)
        os.chmod(copy.parent, 0o755)
        os.chmod(self.dir, 0o755)
        def as_nobody(*words):
            return subprocess.run([copy, *words], env={**os.environ, **self.env}, user=65534, group=65534, extra_groups=[],
                                  capture_output=True, text=True, timeout=LIMIT, cwd="/")
        done = as_nobody("stop", "--now")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("no weir is running that this user may control", done.stderr)
        self.assertIn("1 belongs to another user", done.stderr)
        os.chmod(self.socket_of(weir), 0o666)  # the file's permissions are not the only thing that keeps it out
        done = as_nobody("stop", "--now", "--control", f"unix:{self.socket_of(weir)}")
        self.assertEqual(done.returncode, 1)
        self.assertIn("only the user that weir runs as, and root, may control it", done.stderr)
        self.assertIsNone(weir.process.poll())

    def test_garbage_and_half_requests_do_no_harm_and_hold_up_nothing(self):
        weir = self.start()
        for data in (b"\0\xff\x16\x03\x01garbage\r\n\r\n", b"GET\r\n\r\n", b"POST /v1/stop HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
                     b"POST /v1/stop HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n",
                     b"POST /v1/stop HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n{{{"):
            with self.subTest(data):
                client = self.raw(weir)
                client.send(data)
                self.assertGreaterEqual(client.response().status, 400)
        hanging = [self.raw(weir) for _ in range(4)]
        hanging[1].send(b"POST /v1/st")
        hanging[2].send(b"POST /v1/stop HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\n{\"now\":")
        self.assertEqual(hanging[3].get("/v1/status").status, 200)
        self.ok("status")
        self.ok("stop")
        self.assertEqual(weir.wait(), 0)

    def test_more_clients_than_it_takes_wait_for_room(self):
        weir = self.start()
        for client in [self.raw(weir) for _ in range(40)][-10:]:
            self.assertEqual(client.get("/v1/status").status, 200)
        self.ok("status")
        with weir.client() as client:
            self.assertEqual(client.get().body, b"hi")

    def test_it_speaks_http(self):
        weir = self.start()
        client = self.raw(weir)
        for method, path, status in (("GET", "/v1/status", 200), ("HEAD", "/v1/status", 200), ("POST", "/v1/status", 405),
                                     ("GET", "/v1/stop", 405), ("GET", "/", 404), ("POST", "/v1/reopen-logs", 200)):
            response = client.request(method, path)
            self.assertEqual(response.status, status)
            self.assertEqual(response.get("Content-Type"), "application/json")
            if method != "HEAD":
                self.assertEqual(json.loads(response.body)["ok"], status < 400)
        response = client.request("POST", "/v1/stop", body=b'{"now": true}')
        self.assertEqual(response.status, 202)
        self.assertEqual(weir.wait(), 0)

    def test_a_weir_that_does_not_answer_is_waited_for_as_long_as_was_asked(self):
        path = f"{self.dir}/{os.getpid()}.sock"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            done = self.command("reload", "--timeout", "50ms")
            self.assertEqual(done.returncode, 1)
            self.assertIn("no answer within 50 ms", done.stderr)
            self.assertTrue(os.path.exists(path))  # it is not gone

    def test_what_answers_something_else_is_not_believed(self):
        for answer in (b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n<p>", b""):
            def script(connection, answer=answer):
                connection.request()
                connection.send(answer)
            path = f"{self.dir}/other"
            server = Upstream(script, path=path)
            done = self.command("status", "--control", f"unix:{path}")
            server.close()
            os.unlink(path)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertRegex(done.stderr, r"^weir: .*(not HTTP|not weir|ended before)")


@unittest.skipUnless(UNDER, "restriction named-pipes-windows-only")
@unittest.skipIf(BACKEND == "select", "restriction windows-select-no-pipes")
class OnPipes(Control):
    """Other tests have weirs of their own beside it, so each command names the one that is meant."""

    def name_of(self, weir):
        return rf"\\.\pipe\weir-control-{weir.info['pid']}"

    def test_the_verbs_work_by_a_named_pipe(self):
        log = pathlib.Path(self.dir, "access.log")
        weir = self.start(HELLO + f"access_log: {{ path: '{native(log)}' }}\n")
        where = ("--control", self.name_of(weir))
        told = json.loads(self.ok("status", "--json", *where))
        self.assertEqual((told["ok"], told["pid"], told["state"]), (True, weir.info["pid"], "serving"))
        self.assertIn(f"web: {weir.address()}", self.ok("status", *where))
        self.assertIn("reopened", self.ok("reopen-logs", *where))
        self.assertEqual(self.ok("stop", *where), "stopping: requests in flight have 30000 ms\n")
        self.assertEqual(weir.wait(), 0)
        done = self.command("status", *where)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("no weir listens on ", done.stderr)

    def test_it_is_found_by_its_file(self):
        weir = self.start()
        told = json.loads(self.ok("status", "--json", "-c", native(f"{weir.dir}/weir.yaml")))
        self.assertEqual(told["pid"], weir.info["pid"])
        self.ok("drain", "-c", native(f"{weir.dir}/weir.yaml"))
        self.assertEqual(weir.wait(), 0)
