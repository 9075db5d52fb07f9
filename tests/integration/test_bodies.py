"""Bodies in both directions: framing, streaming, backpressure, interim responses, trailers."""
import hashlib
import os
import threading
import time
import unittest

from harness import SANITIZED, Closed, WeirCase, wait_until

MIB = 1 << 20
BLOCK = os.urandom(MIB)
# What weir may need beyond what it needed before: a few buffers, never a body.
ALLOWANCE = (64 if SANITIZED else 8) * MIB


def receive(connection, limit=None):
    """Reads one request with its body, keeping no more than a digest."""
    connection.keep = False
    request = connection.head()
    digest, count = hashlib.sha256(), 0
    if "chunked" in (request.get("Transfer-Encoding") or ""):
        while size := int(connection.until(b"\r\n").split(b";")[0], 16):
            digest.update(connection.exactly(size))
            count += size
            connection.exactly(2)
        connection.until(b"\r\n")
    else:
        left = int(request.get("Content-Length") or 0)
        while left:
            if not connection.buffer and not connection.fill():
                raise Closed(b"")
            part, connection.buffer = connection.buffer[:left], connection.buffer[left:]
            digest.update(part)
            count += len(part)
            left -= len(part)
    request.count, request.digest = count, digest.hexdigest()
    return request


def storage(connection):
    """PUT takes a body and answers with its digest; GET /N sends N MiB, /chunked/N in chunks, /close/N until close."""
    while True:
        request = receive(connection)
        if request.method in ("PUT", "POST"):
            connection.respond(body=f"{request.count} {request.digest}".encode())
            continue
        *how, count = request.target.strip("/").split("/")
        count = int(count)
        if how == ["chunked"]:
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for n in range(count):
                connection.send(b"%x;n=%d\r\n" % (MIB, n) + BLOCK + b"\r\n")
            connection.send(b"0\r\n\r\n")
        elif how == ["close"]:
            connection.send(b"HTTP/1.1 200 OK\r\n\r\n")
            for _ in range(count):
                connection.send(BLOCK)
            return
        else:
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (count * MIB))
            for _ in range(count):
                connection.send(BLOCK)


def digest_of(client, count):
    digest = hashlib.sha256()
    while count:
        if not client.buffer and not client.fill():
            raise Closed(b"")
        part, client.buffer = client.buffer[:count], client.buffer[count:]
        digest.update(part)
        count -= len(part)
    return digest.hexdigest()


def skip(client, count):
    count -= len(client.buffer)
    client.buffer = b""
    while count > 0:
        count -= client.sock.recv_into(client.space, min(count, len(client.space)))


def expected(count):
    digest = hashlib.sha256()
    for _ in range(count):
        digest.update(BLOCK)
    return digest.hexdigest()


class BusyDownloads(WeirCase):
    """Requests that arrive at any moment of the answer before them, even in the turn of the event loop that sends its
    last bytes."""
    weir_options = {"workers": 1}
    COUNT = 150

    @classmethod
    def configure(cls):
        cls.store = cls.upstream(storage)
        return f"""
runtime: {{ buffer_size: 8KiB }}
listeners:
  web: {{ bind: "127.0.0.1:0", upstream: store }}
upstreams:
  store: ["{cls.store.address}"]
"""

    def test_every_answer_is_whole_whenever_the_next_request_comes(self):
        failures = []

        def download(number):
            client = self.client()
            client.space = bytearray(MIB)

            def ask():
                for n in range(self.COUNT):
                    client.sock.sendall(b"GET /1 HTTP/1.1\r\nHost: t\r\n\r\n")
                    time.sleep((n * 7 + number) % 11 / 4000)

            asking = threading.Thread(target=ask)
            asking.start()
            try:
                for _ in range(self.COUNT):
                    if client.head().status != 200:
                        failures.append("status")
                    skip(client, MIB)
            except Exception as e:  # a thread's failure is the test's
                failures.append(repr(e))
            asking.join()

        threads = [threading.Thread(target=download, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])


class Streaming(WeirCase):
    @classmethod
    def configure(cls):
        cls.store = cls.upstream(storage)
        cls.gate = threading.Event()
        cls.progress = 0
        cls.addClassCleanup(cls.gate.set)

        def endless(connection):
            """Sends without end and counts what the other side has taken."""
            connection.keep = False
            connection.head()
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1099511627776\r\n\r\n")
            while True:
                connection.send(BLOCK)
                cls.progress += MIB

        def stuck(connection):
            """Reads the head and then nothing until it is let go."""
            connection.keep = False
            head = connection.head()
            cls.gate.wait()
            left = int(head.get("Content-Length")) - len(connection.buffer)
            connection.buffer = b""
            while left > 0:
                data = connection.sock.recv(min(left, MIB))
                if not data:
                    return
                left -= len(data)
            connection.respond(body=b"took all")

        cls.endless, cls.stuck = cls.upstream(endless), cls.upstream(stuck)
        return f"""
listeners:
  web: {{ bind: "127.0.0.1:0", upstream: store }}
  endless: {{ bind: "127.0.0.1:0", upstream: endless }}
  stuck: {{ bind: "127.0.0.1:0", upstream: stuck }}
upstreams:
  store: ["{cls.store.address}"]
  endless: ["{cls.endless.address}"]
  stuck: ["{cls.stuck.address}"]
"""

    def download(self, target, count):
        client = self.client()
        client.keep = False
        client.send(f"GET {target} HTTP/1.1\r\nHost: t\r\n\r\n".encode())
        response = client.head()
        self.assertEqual(response.status, 200)
        if response.get("Content-Length"):
            self.assertEqual(digest_of(client, count * MIB), expected(count))
        elif response.get("Transfer-Encoding"):
            digest = hashlib.sha256()
            while size := int(client.until(b"\r\n").split(b";")[0], 16):
                digest.update(client.exactly(size))
                client.exactly(2)
            client.until(b"\r\n")
            self.assertEqual(digest.hexdigest(), expected(count))
        return client, response

    def test_a_download_with_a_length_is_the_same_on_the_other_side(self):
        client, _ = self.download("/16", 16)
        self.assertEqual(client.request("PUT", body=b"next").status, 200)

    def test_a_chunked_download_is_the_same_on_the_other_side(self):
        client, response = self.download("/chunked/8", 8)
        self.assertEqual(response.all("Transfer-Encoding"), ["chunked"])
        self.assertEqual(client.request("PUT", body=b"next").status, 200)

    def test_a_download_until_close_is_complete_and_the_client_can_tell(self):
        client, response = self.download("/close/8", 8)
        self.assertEqual(response.all("Transfer-Encoding"), ["chunked"])
        self.assertEqual(client.request("PUT", body=b"next").status, 200)

    def test_a_download_until_close_to_http_1_0_ends_with_the_connection(self):
        client = self.client()
        client.send(b"GET /chunked/2 HTTP/1.0\r\n\r\n")
        response = client.response()
        self.assertEqual(response.all("Transfer-Encoding") + response.all("Content-Length"), [])
        self.assertEqual(hashlib.sha256(response.body).hexdigest(), expected(2))

    def test_an_upload_with_a_length_is_the_same_on_the_other_side(self):
        response = self.client().request("PUT", "/", body=BLOCK * 8)
        self.assertEqual(response.body.decode(), f"{8 * MIB} {expected(8)}")

    def test_a_chunked_upload_is_the_same_on_the_other_side(self):
        client = self.client()
        client.send(b"PUT / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n")
        for size in (1, 2, 3, 1000, 65536, 300_000):
            for at in range(0, MIB, size)[:8]:
                part = BLOCK[at:at + size]
                client.send(b"%X\r\n" % len(part) + part + b"\r\n")
        client.send(b"0\r\n\r\n")
        want = hashlib.sha256(b"".join(BLOCK[at:at + size] for size in (1, 2, 3, 1000, 65536, 300_000)
                                       for at in range(0, MIB, size)[:8])).hexdigest()
        self.assertTrue(client.response().body.decode().endswith(want))
        self.assertEqual(client.request("PUT", body=b"next").status, 200)

    def test_one_byte_at_a_time_is_understood(self):
        client = self.client()
        for byte in b"PUT / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n":
            client.send(bytes([byte]))
        self.assertEqual(client.response().body.decode(), f"5 {hashlib.sha256(b'abcde').hexdigest()}")

    def test_a_slow_reader_stops_the_upstream_and_costs_no_memory(self):
        before = self.weir.memory()
        client = self.client("endless", receive_buffer=16 * 1024)
        client.keep = False
        client.space = bytearray(MIB)
        client.send(b"GET / HTTP/1.1\r\nHost: t\r\n\r\n")
        client.head()
        # Far less than was offered has been taken once nothing moves any more.
        last = -1
        for _ in range(3):
            wait_until(lambda: self.settled(), "the upstream to be held back")
        last = Streaming.progress
        self.assertLess(last, 64 * MIB)
        # Read a good part of a GiB and look at the memory meanwhile.
        most = 0
        for _ in range(64 if SANITIZED else 512):
            skip(client, MIB)
            most = max(most, self.weir.memory())
        self.assertLess(most - before, ALLOWANCE)
        self.assertGreater(Streaming.progress, last)
        client.reset()

    def settled(self, quiet=20):
        """True when the upstream's progress did not change over some looks."""
        seen = Streaming.progress
        looks = iter(range(quiet))
        wait_until(lambda: Streaming.progress != seen or next(looks, None) is None, "looks")
        return Streaming.progress == seen

    def test_a_slow_upstream_stops_the_client_and_costs_no_memory(self):
        before = self.weir.memory()
        client = self.client("stuck")
        total = (64 if SANITIZED else 256) * MIB
        client.send(b"PUT / HTTP/1.1\r\nHost: t\r\nContent-Length: %d\r\n\r\n" % total)
        client.sock.setblocking(False)
        sent = 0
        idle = 0
        while idle < 50:  # until nothing is taken any more
            try:
                sent += client.sock.send(BLOCK[:min(MIB, total - sent)])
                idle = 0
            except BlockingIOError:
                idle += 1
                wait_until(lambda: True, "")
                threading.Event().wait(0.002)
        self.assertLess(sent, 64 * MIB if not SANITIZED else total)
        self.assertLess(self.weir.memory() - before, ALLOWANCE)
        self.gate.set()
        client.sock.settimeout(60)
        most = 0
        while sent < total:
            sent += client.sock.send(BLOCK[:min(MIB, total - sent)])
            most = max(most, self.weir.memory())
        self.assertEqual(client.response().body, b"took all")
        self.assertLess(most - before, ALLOWANCE)

    def test_upload_and_download_run_at_the_same_time(self):
        def mirror(connection):
            connection.keep = False
            request = connection.head()
            left = int(request.get("Content-Length"))
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % left)
            while left:
                if not connection.buffer and not connection.fill():
                    return
                left -= len(connection.buffer)
                connection.send(connection.buffer)
                connection.buffer = b""

        app = self.upstream(mirror)
        weir = self.start(f"""
listeners: {{ web: {{ bind: "127.0.0.1:0", upstream: app }} }}
upstreams: {{ app: ["{app.address}"] }}
""")
        with weir.client() as client:
            client.keep = False
            total = 8 * MIB
            client.send(b"PUT / HTTP/1.1\r\nHost: t\r\nContent-Length: %d\r\n\r\n" % total)
            sender = threading.Thread(target=lambda: [client.send(BLOCK) for _ in range(8)])
            sender.start()
            self.assertEqual(client.head().status, 200)
            self.assertEqual(digest_of(client, total), expected(8))
            sender.join()


class Framing(WeirCase):
    @classmethod
    def configure(cls):
        cls.seen_interim = threading.Event()

        def script(connection):
            while True:
                request = connection.head()
                connection.server.requests.append(request)
                what = request.target
                if what == "/continue":
                    connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
                    connection.body_of(request)
                    connection.respond(body=request.body)
                elif what == "/final":
                    connection.respond(417, b"no", [("Connection", "close")], "Expectation Failed")
                    return
                elif what == "/hints":
                    connection.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")
                    connection.send(b"HTTP/1.1 103 Early Hints\r\nLink: </b.css>\r\n\r\n")
                    connection.respond(body=b"page")
                elif what == "/204":
                    connection.send(b"HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n")
                elif what == "/204-framed":  # and its body: the connection is of no more use
                    connection.send(b"HTTP/1.1 204 No Content\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n"
                                    b"3\r\nabc\r\n0\r\n\r\n")
                elif what == "/304-framed":
                    connection.send(b"HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 3\r\n"
                                    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
                elif what == "/304":
                    connection.send(b"HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 1234\r\n\r\n")
                elif what == "/trailers":
                    connection.body_of(request)
                    connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
                                    b"5\r\nhello\r\n0\r\nX-Sum: 5\r\nX-Got: %d\r\n\r\n" % len(request.trailers))
                elif what == "/empty":
                    connection.respond(body=b"")
                elif what == "/head":
                    connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
                elif what == "/head-chunked":
                    connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                else:
                    connection.body_of(request)
                    connection.respond(body=b"ok")

        cls.app = cls.upstream(script)
        return f"""
listeners: {{ web: {{ bind: "127.0.0.1:0", upstream: app }} }}
upstreams: {{ app: ["{cls.app.address}"] }}
"""

    def next_works(self, client):
        self.assertEqual(client.get("/plain").body, b"ok")

    def test_100_continue_is_passed_before_the_body_is_sent(self):
        client = self.client()
        client.send(b"PUT /continue HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        self.assertEqual(client.head().status, 100)
        client.send(b"body")
        self.assertEqual(client.response().body, b"body")
        self.next_works(client)

    def test_a_final_answer_instead_of_100_comes_through(self):
        client = self.client()
        client.send(b"PUT /final HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        response = client.response()
        self.assertEqual((response.status, response.interim), (417, []))

    def test_an_unknown_expectation_is_refused(self):
        client = self.client()
        client.send(b"PUT / HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\nExpect: miracles\r\n\r\n")
        self.assertEqual(client.response().status, 417)

    def test_early_hints_are_passed_to_http_1_1_only(self):
        client = self.client()
        response = client.get("/hints")
        self.assertEqual([(r.status, r.get("Link")) for r in response.interim], [(103, "</a.css>"), (103, "</b.css>")])
        self.assertEqual(response.body, b"page")
        self.next_works(client)
        client = self.client()
        client.send(b"GET /hints HTTP/1.0\r\n\r\n")
        self.assertEqual(client.response().interim, [])

    def test_head_has_the_length_and_no_body(self):
        client = self.client()
        self.assertEqual(client.request("HEAD", "/head").get("Content-Length"), "1000000")
        self.next_works(client)
        self.assertEqual(client.request("HEAD", "/head-chunked").status, 200)
        self.next_works(client)

    def test_204_and_304_have_no_body(self):
        client = self.client()
        self.assertEqual(client.get("/204").get("X-A"), "b")
        self.next_works(client)
        response = client.get("/304")
        self.assertEqual((response.status, response.get("ETag")), (304, '"x"'))
        self.next_works(client)

    def test_204_and_304_end_at_their_head_whatever_it_says(self):
        client = self.client()
        for path, status in (("/204-framed", 204), ("/304-framed", 304)):
            response = client.get(path)
            self.assertEqual((response.status, response.get("Content-Length"), response.get("Transfer-Encoding")),
                             (status, None, None))
            self.next_works(client)

    def test_an_empty_body_is_a_body(self):
        client = self.client()
        response = client.get("/empty")
        self.assertEqual((response.status, response.get("Content-Length")), (200, "0"))
        self.next_works(client)

    def test_trailers_pass_in_both_directions(self):
        client = self.client()
        client.send(b"POST /trailers HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\n\r\n"
                    b"3\r\nabc\r\n0\r\nX-One: 1\r\nX-Two: 2\r\n\r\n")
        response = client.response()
        self.assertEqual((response.body, response.trailers), (b"hello", [("X-Sum", "5"), ("X-Got", "2")]))
        self.next_works(client)

    def test_trailers_are_dropped_for_http_1_0(self):
        client = self.client()
        client.send(b"GET /trailers HTTP/1.0\r\n\r\n")
        self.assertEqual(client.response().body, b"hello")

    def test_options_asterisk_is_forwarded_as_it_is(self):
        self.assertEqual(self.client().request("OPTIONS", "*").body, b"ok")
        self.assertEqual(self.app.requests[-1].target, "*")


class Limits(WeirCase):
    @classmethod
    def configure(cls):
        cls.app = cls.upstream()
        return f"""
listeners: {{ web: {{ bind: "127.0.0.1:0", upstream: app }} }}
routes:
  - {{ host: small.test, upstream: app, max_body: 1KiB }}
upstreams: {{ app: ["{cls.app.address}"] }}
"""

    def test_a_body_within_the_limit_passes(self):
        self.assertEqual(self.client().request("PUT", body=b"x" * 1024, host="small.test").status, 200)

    def test_an_announced_body_beyond_the_limit_never_reaches_the_upstream(self):
        self.assertEqual(self.client().request("PUT", "/announced", body=b"x" * 1025, host="small.test").status, 413)
        self.assertNotIn(b"/announced", self.app.received())

    def test_a_chunked_body_beyond_the_limit_is_cut(self):
        client = self.client()
        client.send(b"PUT / HTTP/1.1\r\nHost: small.test\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(3):
            client.send(b"200\r\n" + b"x" * 0x200 + b"\r\n")
        self.assertEqual(client.response().status, 413)
        self.assertTrue(client.ended())


if __name__ == "__main__":
    unittest.main()
