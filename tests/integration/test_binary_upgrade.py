"""A binary upgrade: another process takes the listening sockets over, and nobody who connects or asks meanwhile notices."""
import os
import pathlib
import shutil
import signal
import tempfile
import threading
import unittest

from harness import Load, Upstream, Weir, run_command, unless, wait_until
from test_upgrade import HANDSHAKE, websocket


@unless("windows-no-signal-handlers")
class Upgrades(unittest.TestCase):
    def start(self, config, **options):
        self.dir = tempfile.mkdtemp(prefix="weir-upgrade-")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.env = {"RUNTIME_DIRECTORY": self.dir}
        self.weir = Weir(config, env=self.env, **options)
        self.pids = [self.weir.pid]
        self.addCleanup(self.end_all)
        return self.weir

    def upstream(self, *arguments, **options):
        upstream = Upstream(*arguments, **options)
        self.addCleanup(upstream.close)
        return upstream

    def command(self, *words):
        return run_command(*words, env=self.env)

    def upgrade(self):
        """By the command; the process that serves from now on."""
        done = self.command("upgrade", "--control", f"unix:{self.dir}/{self.pids[-1]}.sock")
        self.assertEqual((done.returncode, done.stderr), (0, ""), self.weir.stderr())
        self.pids.append(int(done.stdout.split()[1]))
        return self.pids[-1]

    def alive(self, pid):
        """Not as a zombie either: a process of a later generation is reaped by whoever inherits it."""
        try:
            return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except FileNotFoundError:
            return False

    def end_all(self):
        for pid in self.pids[1:]:
            if self.alive(pid):
                os.kill(pid, signal.SIGTERM)
        self.weir.stop()
        for pid in self.pids:
            wait_until(lambda: not self.alive(pid), f"the end of {pid}")

    def test_no_client_is_refused_and_no_request_fails(self):
        app = self.upstream()
        weir = self.start(f'listeners: {{ web: {{ bind: "127.0.0.1:0", upstream: app }} }}\n'
                          f'upstreams: {{ app: "{app.address}" }}\nruntime: {{ shutdown: {{ timeout: 5s, idle: 100ms }} }}\n')
        # A kept connection ends with its process, so every request has a new one.
        with Load(weir, fresh=4) as load:
            for _ in range(5):
                before = len(app.requests)
                self.upgrade()
                wait_until(lambda: len(app.requests) > before + 20, "requests meanwhile")
        self.assertEqual(load.problems, [])
        self.assertGreater(sum(load.counts), 100)
        self.assertEqual(weir.wait(), 0)  # the first one has ended by itself
        for pid in self.pids[:-1]:
            wait_until(lambda: not self.alive(pid), f"the end of {pid}")

    def test_the_old_process_finishes_what_it_has_begun(self):
        gate = threading.Event()
        self.addCleanup(gate.set)

        def held(connection):
            connection.request()
            gate.wait(20)
            connection.respond(body=b"late")

        app = self.upstream(held)
        weir = self.start(f'listeners: {{ web: {{ bind: "127.0.0.1:0", upstream: app }} }}\n'
                          f'upstreams: {{ app: "{app.address}" }}\n')
        with weir.client() as client:
            client.send(b"GET / HTTP/1.1\r\nHost: t\r\n\r\n")
            wait_until(lambda: app.connections and app.connections[0].received, "the request")
            self.upgrade()
            self.assertIsNone(weir.process.poll())
            gate.set()
            self.assertEqual(client.response().body, b"late")
            self.assertTrue(client.ended())
        self.assertEqual(weir.wait(), 0)

    def test_a_signal_does_it_too_and_a_tunnel_has_its_time(self):
        app = self.upstream(websocket)
        weir = self.start(f'listeners: {{ web: {{ bind: "127.0.0.1:0", upstream: app }} }}\n'
                          f'upstreams: {{ app: "{app.address}" }}\nruntime: {{ shutdown: {{ timeout: 20s, tunnels: 2s }} }}\n')
        with weir.client() as client:
            client.send(HANDSHAKE)
            client.head()
            self.assertEqual(client.exactly(5), b"first")
            weir.signal(signal.SIGUSR2)
            line = wait_until(lambda: next((x for x in weir.stderr().splitlines() if " upgraded pid=" in x), None), weir.stderr)
            self.pids.append(int(line.rpartition("=")[2]))
            client.send(b"still")
            self.assertEqual(client.exactly(5), b"still")
            self.assertEqual(client.rest(), b"")
        self.assertEqual(weir.wait(), 0)
        with weir.client() as client:
            client.send(HANDSHAKE)
            self.assertEqual(client.head().status, 101)

    def test_a_unix_socket_stays_where_it_is(self):
        where = tempfile.mkdtemp(prefix="weir-upgrade-")
        self.addCleanup(shutil.rmtree, where, ignore_errors=True)
        weir = self.start(f'listeners: {{ web: {{ bind: "unix:{where}/web.sock" }} }}\nroutes: [{{ respond: hi }}]\n')
        before = os.stat(f"{where}/web.sock").st_ino
        self.upgrade()
        self.assertEqual(weir.wait(), 0)
        self.assertEqual(os.stat(f"{where}/web.sock").st_ino, before)
        with weir.client() as client:
            self.assertEqual(client.get().body, b"hi")
        os.kill(self.pids[-1], signal.SIGTERM)
        wait_until(lambda: not os.path.exists(f"{where}/web.sock"), "the removal of the file")

    def test_what_the_file_says_by_now_is_served_and_scripts_inherit_nothing(self):
        weir = self.start('listeners: { web: { bind: "127.0.0.1:0" } }\nroutes: [{ respond: one }]\n')
        app, file = self.upstream(), pathlib.Path(weir.dir, "weir.yaml")
        script = pathlib.Path(self.dir, "check")
        script.write_text(f"#!/bin/sh\n(env; ls -l /proc/self/fd) >{self.dir}/seen.part; mv {self.dir}/seen.part {self.dir}/seen\n")
        script.chmod(0o755)
        file.write_text(f'listeners: {{ web: {{ bind: "127.0.0.1:0" }} }}\nroutes: [{{ respond: two }}]\n'
                        f'upstreams: {{ app: {{ endpoints: "{app.address}", health_check: {{ script: "{script}" }} }} }}\n')
        pid = self.upgrade()
        wait_until(lambda: os.path.exists(f"{self.dir}/seen"), "the script")
        seen = pathlib.Path(self.dir, "seen").read_text()
        self.assertNotIn("WEIR_PASSED", seen)
        self.assertNotIn("socket:", seen)
        self.assertTrue(self.alive(pid))

    def test_a_signal_that_nohup_ignores_stays_ignored(self):
        self.start('listeners: { web: { bind: "127.0.0.1:0" } }\nroutes: [{ respond: one }]\n', under=["nohup"])
        pid = self.upgrade()
        mask = int(pathlib.Path(f"/proc/{pid}/status").read_text().partition("SigIgn:")[2].split()[0], 16)
        self.assertTrue(mask & 1 << signal.SIGHUP - 1)

    def test_two_at_once_are_done_one_after_the_other(self):
        self.start('listeners: { web: { bind: "127.0.0.1:0" } }\nroutes: [{ respond: one }]\n')
        results = []
        threads = [threading.Thread(target=lambda: results.append(self.command("upgrade"))) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for done in results:
            if done.returncode == 0:
                self.pids.append(int(done.stdout.split()[1]))
        self.assertEqual(sorted(done.returncode for done in results)[0], 0, results)


if __name__ == "__main__":
    unittest.main()
