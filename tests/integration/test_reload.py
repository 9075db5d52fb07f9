"""A new configuration is taken up while weir serves: what stays, what goes, what is refused, and what is lost: nothing."""
import json
import os
import pathlib
import shutil
import signal
import socket
import tempfile
import threading
import unittest

from harness import Client, Load, Upstream, Weir, unless, unused_port, wait_until
from test_upgrade import HANDSHAKE, websocket


def listening(address):
    """Whether somebody accepts there."""
    try:
        Client(address).close()
    except ConnectionRefusedError:
        return False
    return True


@unless("windows-no-signal-handlers")
class Reloads(unittest.TestCase):
    def start(self, config, **options):
        self.weir = Weir(config, **options)
        self.addCleanup(self.weir.stop)
        self.file = pathlib.Path(self.weir.dir, "weir.yaml")
        self.done = 0
        return self.weir

    def upstream(self, *arguments, **options):
        upstream = Upstream(*arguments, **options)
        self.addCleanup(upstream.close)
        return upstream

    def ask(self, config, verdict="info reloaded"):
        """Reloads and returns what the log says of it."""
        before = len(self.weir.stderr())
        self.file.write_text(config)
        self.weir.signal(signal.SIGHUP)
        wait_until(lambda: any(verdict in line for line in self.weir.stderr()[before:].splitlines()),
                   lambda: f"{verdict} in {self.weir.stderr()[before:]}")
        return self.weir.stderr()[before:]

    def refuse(self, config):
        return self.ask(config, "error reload refused")

    def test_a_connection_goes_on_and_its_next_request_meets_the_new_routes(self):
        config = 'listeners: {{ web: {{ bind: "127.0.0.1:0" }} }}\nroutes: [{{ respond: {{ status: 200, body: "{}" }} }}]\n'
        weir = self.start(config.format("one"))
        with weir.client() as client:
            self.assertEqual(client.get().body, b"one")
            self.ask(config.format("two"))
            response = client.get()
            self.assertEqual((response.body, response.get("Connection")), (b"two", None))

    def test_a_request_that_has_begun_is_served_by_the_configuration_it_began_with(self):
        gate = threading.Event()
        self.addCleanup(gate.set)

        def held(connection):
            request = connection.request()
            gate.wait(20)
            connection.respond(body=request.target.encode())

        old, new = self.upstream(held, name="old"), self.upstream(name="new")
        config = 'listeners: {{ web: {{ bind: "127.0.0.1:0", upstream: app }} }}\nupstreams: {{ app: ["{}"] }}\n'
        weir = self.start(config.format(old.address))
        with weir.client() as busy, weir.client() as other:
            busy.send(b"GET /held HTTP/1.1\r\nHost: t\r\n\r\n")
            wait_until(lambda: old.connections and old.connections[0].received, "the request")
            self.ask(config.format(new.address))
            self.assertEqual(json.loads(other.get().body)["server"], "new")
            gate.set()
            self.assertEqual(busy.response().body, b"/held")
            self.assertEqual(json.loads(busy.get().body)["server"], "new")

    def test_connections_to_an_endpoint_that_stays_are_kept_and_others_are_closed(self):
        stays, goes = self.upstream(name="stays"), self.upstream(name="goes")
        config = ('listeners: {{ web: {{ bind: "127.0.0.1:0" }} }}\n'
                  'routes: [{{ path: /a, upstream: a }}, {{ path: /b, upstream: b }}]\n'
                  'upstreams: {{ a: ["{}"], b: ["{}"] }}\n')
        weir = self.start(config.format(stays.address, goes.address), workers=1)
        with weir.client() as client:
            client.get("/a")
            client.get("/b")
            self.ask(config.format(stays.address, stays.address))
            wait_until(lambda: goes.connections[0].sock.fileno() == -1, "the end of the other connection")
            client.get("/a")
            self.assertEqual(len(stays.connections), 1)
            client.get("/b")  # another upstream: a connection of its own
            self.assertEqual(len(stays.connections), 2)

    def test_a_file_that_is_wrong_leaves_everything_as_it_was_and_says_where(self):
        config = 'listeners: { web: { bind: "127.0.0.1:0" } }\nroutes: [{ respond: 204 }]\n'
        weir = self.start(config)
        said = self.refuse(config.replace("respond", "repsond"))
        self.assertIn("weir.yaml:2:12: error", said)
        self.assertIn("was not taken up", said)
        with weir.client() as client:
            self.assertEqual(client.get().status, 204)
        self.refuse("")
        self.file.unlink()
        self.weir.signal(signal.SIGHUP)
        wait_until(lambda: "error: cannot be read" in self.weir.stderr(), self.weir.stderr)
        with weir.client() as client:
            self.assertEqual(client.get().status, 204)

    def test_all_that_cannot_be_had_is_named_and_nothing_new_is_left_open(self):
        config = 'listeners: {{ web: {{ bind: "127.0.0.1:0" }}{} }}\nroutes: [{{ respond: 204 }}]\n{}'
        weir = self.start(config.format("", ""))
        free, taken = unused_port(), socket.create_server(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        said = self.refuse(config.format(f', more: {{ bind: "127.0.0.1:{free}" }}, '
                                         f'no: {{ bind: "127.0.0.1:{taken.getsockname()[1]}" }}', ""))
        self.assertIn(f"cannot listen on 127.0.0.1:{taken.getsockname()[1]} (listener no", said)
        self.assertFalse(listening(f"127.0.0.1:{free}"))
        with weir.client() as client:
            self.assertEqual(client.get().status, 204)

    @unless("windows-no-unix-sockets")
    def test_a_refused_reload_leaves_no_socket_file_and_a_changed_mode_is_applied(self):
        config = ('listeners: {{ web: {{ bind: "127.0.0.1:0" }}, unix: {{ bind: "unix:{}/{}.sock", unix_mode: "{}" }}{} }}\n'
                  'routes: [{{ respond: 204 }}]\n')
        where = tempfile.mkdtemp(prefix="weir-reload-")
        self.addCleanup(shutil.rmtree, where, ignore_errors=True)
        weir = self.start(config.format(where, "a", "0600", ""))
        taken = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        self.refuse(config.format(where, "b", "0600", f', no: {{ bind: "127.0.0.1:{taken.getsockname()[1]}" }}'))
        self.assertEqual(os.listdir(where), ["a.sock"])
        self.ask(config.format(where, "a", "0660", ""))
        self.assertEqual(os.stat(f"{where}/a.sock").st_mode & 0o777, 0o660)
        with Client(f"unix:{where}/a.sock") as client:
            self.assertEqual(client.get().status, 204)
        self.ask(config.format(where, "b", "0600", ""))
        self.assertEqual(os.listdir(where), ["b.sock"])
        self.assertEqual(weir.process.poll(), None)

    def test_a_file_that_never_ends_holds_up_neither_requests_nor_the_stop(self):
        weir = self.start('listeners: { web: { bind: "127.0.0.1:0" } }\nroutes: [{ respond: 204 }]\n')
        self.file.unlink()
        os.mkfifo(self.file)  # reading it waits for a writer
        weir.signal(signal.SIGHUP)
        with weir.client() as client:
            self.assertEqual(client.get().status, 204)
        weir.signal(signal.SIGTERM)
        self.assertEqual(weir.wait(), 0)

    def test_a_file_that_changes_is_taken_up_and_a_wrong_one_refused_once(self):
        config = ('listeners: {{ web: {{ bind: "127.0.0.1:0" }} }}\nroutes: [{{ respond: {} }}]\n'
                  'runtime: {{ watch: {} }}\n')
        weir = self.start(config.format(201, "true"))
        self.file.write_text("listeners: wrong\n")
        wait_until(lambda: "reload refused" in weir.stderr(), weir.stderr)
        with weir.client() as client:
            self.assertEqual(client.get().status, 201)
            replacement = self.file.with_suffix(".new")
            replacement.write_text(config.format(202, "false"))
            replacement.replace(self.file)  # as editors and configuration management do
            wait_until(lambda: client.get().status == 202, weir.stderr)
        self.assertEqual(weir.stderr().count("reload refused"), 1)
        self.assertEqual(weir.stderr().count("has changed: reloading"), 2)
        self.ask(config.format(203, "true"))  # it is watched again
        self.file.write_text(config.format(204, "true"))
        with weir.client() as client:
            wait_until(lambda: client.get().status == 204, weir.stderr)

    def test_what_takes_a_restart_is_named_with_both_values(self):
        config = 'listeners: {{ web: {{ bind: "127.0.0.1:0" }} }}\nroutes: [{{ respond: 204 }}]\nruntime: {{ buffer_size: {} }}\n'
        self.start(config.format("32KiB"))
        said = self.refuse(config.format("64KiB"))
        self.assertIn("runtime.buffer_size is 32768 and would be 65536: that takes a restart", said)

    def test_a_listener_is_added_and_removed_and_its_clients_are_told(self):
        port = unused_port()
        config = 'listeners: {{ web: {{ bind: "127.0.0.1:0" }}{} }}\nroutes: [{{ respond: 204 }}]\n'
        weir = self.start(config.format(""))
        with weir.client() as stays:
            stays.get()
            self.ask(config.format(f', more: {{ bind: "127.0.0.1:{port}" }}'))
            with Client(f"127.0.0.1:{port}") as leaves:
                self.assertEqual(leaves.get().get("Connection"), None)
                self.ask(config.format(""))
                wait_until(lambda: not listening(f"127.0.0.1:{port}"), "the end of the listener")
                # It may still ask once: what is idle ends unannounced only after runtime.shutdown.idle.
                answer = leaves.get()
                self.assertEqual((answer.status, answer.get("Connection")), (204, "close"))
                self.assertTrue(leaves.ended())
            self.assertEqual(stays.get().get("Connection"), None)

    def test_a_tunnel_notices_nothing_unless_its_listener_goes(self):
        app, port = self.upstream(websocket), unused_port()
        config = (f'listeners: {{{{ web: {{{{ bind: "127.0.0.1:0", upstream: app }}}}{{}} }}}}\n'
                  f'upstreams: {{{{ app: ["{app.address}"] }}}}\n'
                  f'runtime: {{{{ shutdown: {{{{ timeout: 2s, tunnels: 300ms }}}} }}}}\n')
        more = f', more: {{ bind: "127.0.0.1:{port}", upstream: app }}'
        weir = self.start(config.format(more))
        with weir.client() as stays, Client(f"127.0.0.1:{port}") as goes:
            for client in (stays, goes):
                client.send(HANDSHAKE)
                client.head()
                self.assertEqual(client.exactly(5), b"first")
            self.ask(config.format(more))
            for client in (stays, goes):
                client.send(b"still")
                self.assertEqual(client.exactly(5), b"still")
            self.ask(config.format(""))
            self.assertEqual(goes.rest(), b"")
            stays.send(b"there")
            self.assertEqual(stays.exactly(5), b"there")

    def test_an_address_that_changes_its_listener_keeps_its_socket(self):
        port = unused_port()
        config = ('listeners: {{ {}: {{ bind: "127.0.0.1:{}" }}, web: {{ bind: "127.0.0.1:0" }} }}\n'
                  'routes: [{{ listeners: [{}], respond: {{ status: 200, body: "{}" }} }}, {{ respond: 404 }}]\n')
        weir = self.start(config.format("first", port, "first", "one"))
        with Client(f"127.0.0.1:{port}") as client:
            self.assertEqual(client.get().body, b"one")
        self.ask(config.format("second", port, "second", "two"))
        with Client(f"127.0.0.1:{port}") as client:
            self.assertEqual(client.get().body, b"two")
        with weir.client() as client:
            self.assertEqual(client.get().status, 404)

    def test_an_endpoint_that_is_down_stays_down(self):
        up, port = self.upstream(name="up"), unused_port()
        config = (f'listeners: {{{{ web: {{{{ bind: "127.0.0.1:0", upstream: app }}}} }}}}\n'
                  f'upstreams: {{{{ app: {{{{ endpoints: ["{up.address}", "127.0.0.1:{port}"], '
                  f'health_check: {{{{ tcp: true, interval: 250ms, fall: 1 }}}} }}}} }}}}\nroutes: {{}}\n')
        weir = self.start(config.format("[]"))
        wait_until(lambda: "endpoint is down" in weir.stderr(), weir.stderr)
        for count in range(3):
            self.ask(config.format(f"[{{ path: /{count}, respond: 204 }}]"))
        with weir.client() as client:
            for _ in range(6):
                self.assertEqual(json.loads(client.get().body)["server"], "up")
        self.assertEqual(weir.stderr().count("endpoint is down"), 1)
        self.assertEqual(weir.stderr().count("endpoint fails"), 0)

    def test_the_access_log_goes_over_to_another_file_and_format(self):
        config = ('listeners: {{ web: {{ bind: "127.0.0.1:0" }} }}\nroutes: [{{ respond: 204 }}]\n'
                  'access_log: {{ path: {}, format: {} }}\n')
        weir = self.start(config.format("one.log", "combined"))
        one, two = pathlib.Path(weir.dir, "one.log"), pathlib.Path(weir.dir, "two.log")
        with weir.client() as client:
            client.get("/first")
            wait_until(lambda: "/first" in one.read_text(), "a line")
            self.ask(config.format("two.log", "json"))
            wait_until(lambda: "two.log reopened" in weir.stderr(), weir.stderr)
            client.get("/second")
            wait_until(lambda: two.read_text().endswith("\n"), "a line in the other file")
        self.assertEqual(json.loads(two.read_text())["target"], "/second")
        self.assertNotIn("/second", one.read_text())
        said = self.refuse(config.format("no/such/directory.log", "json"))
        self.assertIn("cannot open the log file", said)

    def test_reloads_that_come_faster_than_they_are_done_end_with_the_last_file(self):
        config = 'listeners: {{ web: {{ bind: "127.0.0.1:0" }} }}\nroutes: [{{ respond: {{ status: 200, body: "{}" }} }}]\n'
        weir = self.start(config.format("0"))
        for count in range(1, 40):
            fresh = self.file.with_suffix(".new")
            fresh.write_text(config.format(count))
            fresh.replace(self.file)
            weir.signal(signal.SIGHUP)
        with weir.client() as client:
            wait_until(lambda: client.get().body == b"39", "the last file")
        self.assertNotIn("error", weir.stderr())

    def test_a_reload_while_weir_drains_is_refused(self):
        gate = threading.Event()
        self.addCleanup(gate.set)

        def held(connection):
            connection.request()
            gate.wait(20)
            connection.respond(body=b"late")

        app = self.upstream(held)
        config = f'listeners: {{ web: {{ bind: "127.0.0.1:0", upstream: app }} }}\nupstreams: {{ app: ["{app.address}"] }}\n'
        weir = self.start(config)
        with weir.client() as client:
            client.send(b"GET / HTTP/1.1\r\nHost: t\r\n\r\n")
            wait_until(lambda: app.connections and app.connections[0].received, "the request")
            weir.signal(signal.SIGTERM)
            wait_until(lambda: "stopping" in weir.stderr(), weir.stderr)
            weir.signal(signal.SIGHUP)
            wait_until(lambda: "reload refused: weir is stopping" in weir.stderr(), weir.stderr)
            gate.set()
            self.assertEqual(client.response().body, b"late")
        self.assertEqual(weir.wait(), 0)

    def test_no_request_is_lost_while_listeners_and_endpoints_come_and_go(self):
        one, two, port = self.upstream(name="one"), self.upstream(name="two"), unused_port()
        config = ('listeners: {{ web: {{ bind: "127.0.0.1:0", upstream: app }}{} }}\n'
                  'upstreams: {{ app: {{ endpoints: ["{}"] }} }}\n')
        weir = self.start(config.format("", one.address))
        more = f', more: {{ bind: "127.0.0.1:{port}", upstream: app }}'
        with Load(weir, kept=3, fresh=3) as load:
            for count in range(20):
                self.ask(config.format(more if count % 2 else "", (one, two)[count % 2].address))
        self.assertEqual(load.problems, [])
        self.assertGreater(sum(load.counts), 100)


if __name__ == "__main__":
    unittest.main()
