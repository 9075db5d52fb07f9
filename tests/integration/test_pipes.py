"""Named pipes between two weirs: a client speaks TCP to the first, which speaks to the second by a pipe."""
import itertools
import json
import os
import threading
import unittest

from harness import BACKEND, UNDER, Upstream, WeirCase, wait_until
from test_upgrade import HANDSHAKE, websocket

NUMBERS = itertools.count()


def pipe_name():
    """A name that is not in use."""
    return rf"\\.\pipe\weir-test-{os.getpid()}-{next(NUMBERS)}"


def front(pipe):
    return f"""
listeners: {{ web: {{ bind: "127.0.0.1:0", upstream: back }} }}
access_log: json
upstreams: {{ back: ['{pipe}'] }}
"""


def back(pipe, upstream):
    return f"""
listeners: {{ web: {{ bind: '{pipe}', upstream: app }} }}
access_log: json
upstreams: {{ app: ["{upstream.address}"] }}
"""


@unittest.skipUnless(UNDER, "restriction named-pipes-windows-only")
@unittest.skipIf(BACKEND == "select", "restriction windows-select-no-pipes")
class NamedPipes(WeirCase):
    @classmethod
    def configure(cls):
        cls.pipe, cls.app = pipe_name(), cls.upstream()
        return front(cls.pipe)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.back = cls.weir.__class__(back(cls.pipe, cls.app))
        cls.addClassCleanup(cls.back.stop)

    def test_the_address_is_told_as_it_was_written(self):
        self.assertEqual(self.back.address(), self.pipe)
        self.assertIn(f"listening on {self.pipe} (listener web)", self.back.stderr())

    def test_requests_and_answers_pass_and_the_connection_is_kept(self):
        client = self.client()
        for number in range(5):
            seen = self.seen(client.request("POST", f"/kept/{number}", body=b"x" * number))
            self.assertEqual((seen["method"], seen["target"], seen["body"]), ("POST", f"/kept/{number}", number))
        line = wait_until(lambda: next((e for e in map(json.loads, self.back.lines()) if e["target"] == "/kept/4"), None),
                          self.back.stdout)
        self.assertEqual((line["client"], line["reused"], line["end"]), ("pipe", True, "ok"))

    def test_a_client_by_pipe_has_no_address_to_pass_on_and_is_not_believed(self):
        response = self.client().get("/who")
        self.assertEqual(self.fields(response, "X-Forwarded-For"), [])  # the first weir sent its client's
        self.assertEqual(self.fields(response, "X-Forwarded-Proto"), ["http"])

    def test_large_bodies_pass_in_both_directions(self):
        body = os.urandom(3 << 20)

        def mirror(connection):
            while True:
                connection.respond(body=connection.request().body)

        app, pipe = Upstream(mirror), pipe_name()
        self.addCleanup(app.close)
        self.start(back(pipe, app))
        with self.start(front(pipe)).client() as client:
            self.assertEqual(client.request("PUT", "/large", body=body).body, body)

    def test_many_clients_at_a_time_are_all_answered(self):
        failures = []

        def ask():
            try:
                for _ in range(3):  # a connection each time: more of them than there are instances
                    with self.weir.client() as client:
                        for _ in range(5):
                            self.seen(client.get("/many"))
            except Exception as error:
                failures.append(error)

        threads = [threading.Thread(target=ask) for _ in range(24)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])

    def test_an_answer_that_ends_with_the_connection_is_whole(self):
        body = os.urandom(200_000)

        def until_close(connection):
            connection.request()
            connection.send(b"HTTP/1.0 200 OK\r\n\r\n" + body)

        app, pipe = Upstream(until_close), pipe_name()
        self.addCleanup(app.close)
        self.start(back(pipe, app))
        weir = self.start(front(pipe))
        for version in ("1.1", "1.0"):
            with weir.client() as client:
                client.send(f"GET / HTTP/{version}\r\nHost: t\r\nConnection: close\r\n\r\n".encode())
                self.assertEqual(client.response().body, body)

    def test_nobody_at_a_pipe_is_an_upstream_that_refuses(self):
        weir = self.start(front(pipe_name()))
        with weir.client() as client:
            self.assertEqual(client.get("/nobody").status, 502)
        self.assertEqual(json.loads(weir.log_lines(1)[0])["end"], "connect_refused")

    def test_a_stopped_server_is_missed_and_its_successor_found(self):
        pipe = pipe_name()
        weir, first = self.start(front(pipe)), self.start(back(pipe, self.app))
        with weir.client() as client:
            self.seen(client.get("/first"))
            first.stop()
            self.assertEqual(client.get("/between").status, 502)
            self.start(back(pipe, self.app))
            self.seen(client.get("/second"))

    def test_a_stop_waits_for_the_request_that_came_by_the_pipe(self):
        asked, go = threading.Event(), threading.Event()

        def slow(connection):
            connection.request()
            asked.set()
            go.wait()
            connection.respond(body=b"late")

        app, pipe = Upstream(slow), pipe_name()
        self.addCleanup(app.close)
        self.addCleanup(go.set)
        server, weir = self.start(back(pipe, app)), self.start(front(pipe))
        with weir.client() as client:
            client.send(b"GET /slow HTTP/1.1\r\nHost: t\r\n\r\n")
            asked.wait()
            server.signal(15)
            wait_until(lambda: "stopping" in server.stderr(), server.stderr)
            go.set()
            self.assertEqual(client.response().body, b"late")
        self.assertEqual(server.wait(), 0)


@unittest.skipUnless(UNDER, "restriction named-pipes-windows-only")
@unittest.skipIf(BACKEND == "select", "restriction windows-select-no-pipes")
class Tunnels(WeirCase):
    @classmethod
    def configure(cls):
        cls.pipe, cls.app = pipe_name(), cls.upstream(websocket)
        return front(cls.pipe)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.back = cls.weir.__class__(back(cls.pipe, cls.app))
        cls.addClassCleanup(cls.back.stop)

    def open(self):
        client = self.client()
        client.send(HANDSHAKE)
        self.assertEqual(client.head().status, 101)
        self.assertEqual(client.exactly(5), b"first")
        return client, self.app.connections[-1]

    def test_bytes_flow_both_ways(self):
        client, _ = self.open()
        data = os.urandom(1 << 20)
        sender = threading.Thread(target=client.send, args=(data,))
        sender.start()
        self.assertEqual(client.exactly(len(data)), data)
        sender.join()

    def test_the_end_of_a_client_reaches_the_other_side_of_the_pipe(self):
        client, connection = self.open()
        client.close()
        wait_until(lambda: connection.sock.fileno() == -1, "the upstream's end of the tunnel to be closed")

    def test_a_half_close_lets_what_is_under_way_through_then_ends_the_tunnel(self):
        client, connection = self.open()
        client.send(b"x" * 100_000)
        client.sock.shutdown(1)
        self.assertEqual(client.rest(), b"x" * 100_000)
        wait_until(lambda: connection.sock.fileno() == -1, "the upstream's end of the tunnel to be closed")

    def test_the_end_of_an_upstream_reaches_the_client(self):
        client = self.client()
        client.send(HANDSHAKE.replace(b"/chat", b"/close"))
        self.assertEqual(client.head().status, 101)
        self.assertEqual(client.rest(), b"bye")


if __name__ == "__main__":
    unittest.main()
