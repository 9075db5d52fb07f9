"""Tunnels: WebSocket and other upgrades, CONNECT."""
import base64
import hashlib
import json
import os
import signal
import threading
import unittest

from harness import Upstream, WeirCase, wait_until

HANDSHAKE = (b"GET /chat HTTP/1.1\r\nHost: t\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
             b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")


def websocket(connection):
    """Accepts the upgrade and sends back what comes; /refuse answers 200 instead."""
    while True:
        request = connection.head()
        connection.server.requests.append(request)
        if request.target == "/refuse" or not request.get("Upgrade"):
            connection.body_of(request)
            connection.respond(body=b"no tunnel")
            continue
        if request.target == "/close":
            connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nbye")
            return
        if request.target == "/reset":
            connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
            connection.reset()
            return
        key = (request.get("Sec-WebSocket-Key") or "") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        connection.send((f"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                         f"Sec-WebSocket-Accept: {accept}\r\n\r\n").encode() + b"first")
        echo_bytes(connection)
        return


def echo_bytes(connection):
    while connection.buffer or connection.fill():
        data, connection.buffer = connection.buffer, b""
        connection.send(data)


def accept_connect(connection):
    request = connection.head()
    connection.server.requests.append(request)
    if request.target.startswith("refused"):
        connection.respond(403, b"not there", reason="Forbidden")
        return
    connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
    echo_bytes(connection)


class Tunnels(WeirCase):
    @classmethod
    def configure(cls):
        cls.app, cls.connect = cls.upstream(websocket), cls.upstream(accept_connect)
        return f"""
listeners: {{ web: {{ bind: "127.0.0.1:0", upstream: app }} }}
access_log: json
routes:
  - {{ host: plain.test, upstream: app, allow_upgrade: false }}
  - {{ host: example.test, upstream: connect, allow_connect: true }}
  - {{ host: refused.test, upstream: connect, allow_connect: true }}
upstreams:
  app: ["{cls.app.address}"]
  connect: ["{cls.connect.address}"]
"""

    def test_a_websocket_handshake_passes_and_bytes_flow_both_ways(self):
        client = self.client()
        client.send(HANDSHAKE + b"early")
        response = client.head()
        self.assertEqual((response.status, response.get("Upgrade"), response.get("Sec-WebSocket-Accept")),
                         (101, "websocket", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
        self.assertIn("upgrade", response.get("Connection").lower())
        self.assertEqual(client.exactly(10), b"firstearly")
        self.assertEqual([v.lower() for v in self.app.requests[-1].all("Connection")], ["upgrade"])
        data = os.urandom(2 << 20)
        sender = threading.Thread(target=client.send, args=(data,))
        sender.start()
        self.assertEqual(client.exactly(len(data)), data)
        sender.join()

    def test_either_side_can_end_a_tunnel(self):
        client = self.client()
        client.send(HANDSHAKE.replace(b"/chat", b"/close"))
        self.assertEqual(client.head().status, 101)
        self.assertEqual(client.rest(), b"bye")
        client = self.client()
        client.send(HANDSHAKE)
        self.assertEqual(client.head().status, 101)
        client.exactly(5)
        client.sock.shutdown(1)
        self.assertTrue(client.ended())

    def test_a_tunnel_has_a_line_in_the_log_when_it_ends(self):
        client = self.client()
        client.send(HANDSHAKE.replace(b"/chat", b"/logged"))
        self.assertEqual(client.head().status, 101)
        self.assertEqual(client.exactly(5), b"first")
        client.sock.shutdown(1)
        self.assertTrue(client.ended())
        line = wait_until(lambda: next((e for e in map(json.loads, self.weir.lines()) if e["target"] == "/logged"), None),
                          self.weir.stdout)
        self.assertEqual((line["status"], line["bytes_out"], line["end"]), (101, 5, "tunnel_closed"))

    def test_a_reset_at_either_end_of_a_tunnel_ends_the_other(self):
        client = self.client()
        client.send(HANDSHAKE)
        self.assertEqual(client.head().status, 101)
        connection = self.app.connections[-1]
        client.exactly(5)
        client.reset()
        wait_until(lambda: connection.sock.fileno() == -1, "the upstream's end of the tunnel to be closed")
        client = self.client()
        client.send(HANDSHAKE.replace(b"/chat", b"/reset"))
        self.assertEqual(client.head().status, 101)
        self.assertEqual(client.rest(), b"")

    def test_a_half_closed_tunnel_still_carries_the_other_direction(self):
        client = self.client()
        client.send(HANDSHAKE)
        self.assertEqual(client.head().status, 101)
        client.send(b"x" * 100_000)
        client.sock.shutdown(1)
        self.assertEqual(client.rest(), b"first" + b"x" * 100_000)

    def test_a_refused_upgrade_is_an_ordinary_answer(self):
        client = self.client()
        client.send(HANDSHAKE.replace(b"/chat", b"/refuse"))
        self.assertEqual(client.response().body, b"no tunnel")
        self.assertEqual(client.get().body, b"no tunnel")

    def test_a_route_can_forbid_upgrades(self):
        client = self.client()
        client.send(HANDSHAKE.replace(b"Host: t", b"Host: plain.test"))
        self.assertEqual(client.response().body, b"no tunnel")
        self.assertEqual(self.app.requests[-1].all("Upgrade") + self.app.requests[-1].all("Connection"), [])

    def test_connect_is_refused_where_it_is_not_allowed(self):
        before = len(self.app.requests)
        client = self.client()
        client.send(b"CONNECT other.test:443 HTTP/1.1\r\nHost: other.test:443\r\n\r\n")
        self.assertEqual(client.response("CONNECT").status, 405)
        self.assertEqual(len(self.app.requests), before)

    def test_connect_is_a_tunnel_where_it_is_allowed(self):
        client = self.client()
        client.send(b"CONNECT example.test:443 HTTP/1.1\r\nHost: example.test:443\r\n\r\n")
        response = client.head()
        self.assertEqual((response.status, response.all("Content-Length"), response.all("Transfer-Encoding")), (200, [], []))
        client.send(b"ping")
        self.assertEqual(client.exactly(4), b"ping")
        client.sock.shutdown(1)
        self.assertTrue(client.ended())
        self.assertEqual(self.connect.requests[-1].target, "example.test:443")

    def test_a_connect_that_the_upstream_refuses_is_an_answer(self):
        client = self.client()
        client.send(b"CONNECT refused.test:443 HTTP/1.1\r\nHost: refused.test:443\r\n\r\n")
        response = client.response()
        self.assertEqual((response.status, response.body), (403, b"not there"))


class Draining(WeirCase):
    """A tunnel has no end of its own: a drain gives it a time."""

    @classmethod
    def setUpClass(cls):
        pass

    def open_tunnel(self, shutdown):
        app = Upstream(websocket)
        self.addCleanup(app.close)
        weir = self.start(f"""
runtime: {{ shutdown: {shutdown} }}
listeners: {{ web: {{ bind: "127.0.0.1:0", upstream: app }} }}
upstreams: {{ app: "{app.address}" }}
""")
        client = weir.client()
        self.addCleanup(client.close)
        client.send(HANDSHAKE)
        self.assertEqual(client.head().status, 101)
        self.assertEqual(client.exactly(5), b"first")
        return weir, client

    def test_an_open_tunnel_does_not_hold_up_a_stop_beyond_its_time(self):
        weir, client = self.open_tunnel("{ timeout: 600s, tunnels: 100ms }")
        weir.stop()  # fails if it takes as long as the timeout
        self.assertTrue(client.ended())

    def test_until_then_bytes_go_on_both_ways(self):
        weir, client = self.open_tunnel("{ timeout: 600s, tunnels: 600s }")
        weir.signal(signal.SIGTERM)
        wait_until(lambda: "draining" in weir.stderr() or "stop" in weir.stderr(), "the drain")
        client.send(b"still here")
        self.assertEqual(client.exactly(10), b"still here")
        client.close()
        weir.wait()


if __name__ == "__main__":
    unittest.main()
