"""Requests and responses that two parsers could read differently: refused, and the exact bytes on the other side."""
import unittest

from harness import Closed, WeirCase

CRLF = b"\r\n"


def request(*lines, start=b"GET / HTTP/1.1", host=b"Host: t", body=b""):
    return CRLF.join([start, *([host] if host else []), *lines, b"", b""]) + body


# name, bytes, status. Sent as one piece; whatever follows on the connection is never looked at.
REFUSED = [
    ("length and chunked", request(b"Content-Length: 3", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"), 400),
    ("chunked and length", request(b"Transfer-Encoding: chunked", b"Content-Length: 3", body=b"0\r\n\r\n"), 400),
    ("differing lengths", request(b"Content-Length: 3", b"Content-Length: 4", body=b"abcd"), 400),
    ("differing lengths in one line", request(b"Content-Length: 3, 4", body=b"abcd"), 400),
    ("equal lengths", request(b"Content-Length: 3", b"Content-Length: 3", body=b"abc"), 400),
    ("negative length", request(b"Content-Length: -1"), 400),
    ("signed length", request(b"Content-Length: +3", body=b"abc"), 400),
    ("length with a letter", request(b"Content-Length: 3a", body=b"abc"), 400),
    ("hexadecimal length", request(b"Content-Length: 0x3", body=b"abc"), 400),
    ("empty length", request(b"Content-Length: "), 400),
    ("huge length", request(b"Content-Length: 99999999999999999999"), 400),
    ("length with a space inside", request(b"Content-Length: 1 2", body=b"abcdefghijkl"), 400),
    ("gzip, not chunked", request(b"Transfer-Encoding: gzip"), 501),
    ("chunked is not last", request(b"Transfer-Encoding: chunked, gzip"), 400),
    ("chunked twice", request(b"Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n"), 400),
    ("chunked in two lines", request(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"), 400),
    ("identity", request(b"Transfer-Encoding: identity"), 501),
    ("chunked misspelt", request(b"Transfer-Encoding: xchunked"), 501),
    ("chunked with a tab in front", request(b"Transfer-Encoding:\x0bchunked"), 400),
    ("chunked with quotes", request(b'Transfer-Encoding: "chunked"'), 400),
    ("transfer encoding in 1.0", request(b"Transfer-Encoding: chunked", start=b"GET / HTTP/1.0", body=b"0\r\n\r\n"), 400),
    ("bare line feed after the request line", b"GET / HTTP/1.1\nHost: t\r\n\r\n", 400),
    ("bare line feed after a field", b"GET / HTTP/1.1\r\nHost: t\nX: y\r\n\r\n", 400),
    ("bare line feed at the end", b"GET / HTTP/1.1\r\nHost: t\r\n\n", 400),
    ("bare carriage return in a value", request(b"X: a\rb"), 400),
    ("bare carriage return in the target", request(start=b"GET /\r HTTP/1.1"), 400),
    ("NUL in a value", request(b"X: a\0b"), 400),
    ("NUL in a name", request(b"X\0: a"), 400),
    ("NUL in the target", request(start=b"GET /\0 HTTP/1.1"), 400),
    ("control in a value", request(b"X: a\x01b"), 400),
    ("continuation line", request(b"X: a", b" b"), 400),
    ("continuation line with a tab", request(b"X: a", b"\tb"), 400),
    ("space in front of the first field", b"GET / HTTP/1.1\r\n Host: t\r\n\r\n", 400),
    ("space before the colon", request(b"X : a"), 400),
    ("tab before the colon", request(b"X\t: a"), 400),
    ("space before the colon of Content-Length", request(b"Content-Length : 3", body=b"abc"), 400),
    ("no name", request(b": a"), 400),
    ("no colon", request(b"nonsense"), 400),
    ("space in a name", request(b"X Y: a"), 400),
    ("bracket in a name", request(b"X[]: a"), 400),
    ("8-bit name", request(b"X\xe9: a"), 400),
    ("two hosts", request(b"Host: u"), 400),
    ("the same host twice", request(b"Host: t"), 400),
    ("no host", request(host=None), 400),
    ("host with a space", request(host=b"Host: a b"), 400),
    ("host with a slash", request(host=b"Host: a/b"), 400),
    ("host with userinfo", request(host=b"Host: a@b"), 400),
    ("host with a comma", request(host=b"Host: a,b"), 400),
    ("host with a bad port", request(host=b"Host: a:80a"), 400),
    ("no target", b"GET HTTP/1.1\r\nHost: t\r\n\r\n", 400),
    ("two spaces", b"GET  / HTTP/1.1\r\nHost: t\r\n\r\n", 400),
    ("space at the end of the line", b"GET / HTTP/1.1 \r\nHost: t\r\n\r\n", 400),
    ("space in the target", b"GET /a b HTTP/1.1\r\nHost: t\r\n\r\n", 400),
    ("target without a slash", request(start=b"GET index.html HTTP/1.1"), 400),
    ("fragment in the target", request(start=b"GET /a#b HTTP/1.1"), 400),
    ("asterisk for GET", request(start=b"GET * HTTP/1.1"), 400),
    ("another scheme", request(start=b"GET ftp://t/ HTTP/1.1"), 400),
    ("userinfo in the target", request(start=b"GET http://u@t/ HTTP/1.1"), 400),
    ("8-bit target", request(start=b"GET /\xe9 HTTP/1.1"), 400),
    ("bad method", request(start=b"G@T / HTTP/1.1"), 400),
    ("no method", b" / HTTP/1.1\r\nHost: t\r\n\r\n", 400),
    ("HTTP/2.0", request(start=b"GET / HTTP/2.0"), 505),
    ("HTTP/1.10", request(start=b"GET / HTTP/1.10"), 400),
    ("lower-case version", request(start=b"GET / http/1.1"), 400),
    ("HTTP/0.9", b"GET /\r\n\r\n", 400),
    ("TLS instead of HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(64)) + b"\n\n", 400),
    ("long target", request(start=b"GET /" + b"a" * 9000 + b" HTTP/1.1"), 414),
    ("long field", request(b"X: " + b"a" * 9000), 431),
    ("many fields", request(*[b"X%d: a" % n for n in range(101)]), 431),
    ("large head", request(*[b"X%d: " % n + b"a" * 1000 for n in range(20)]), 431),
]

# Well framed, so the connection goes on, but no target has that path.
BAD_PATHS = [b"/%zz", b"/%", b"/%4", b"/%00", b"/a%00b", b"/../etc", b"/a/../../etc", b"/%2e%2e/etc"]

# Bodies of a chunked request, and what the upstream may get of it: the chunks before the defect, never the last one.
BAD_CHUNKS = [
    ("no size", b"\r\nabc\r\n0\r\n\r\n"),
    ("letters", b"zz\r\nabc\r\n0\r\n\r\n"),
    ("negative", b"-3\r\nabc\r\n0\r\n\r\n"),
    ("0x", b"0x3\r\nabc\r\n0\r\n\r\n"),
    ("sign", b"+3\r\nabc\r\n0\r\n\r\n"),
    ("space in front", b" 3\r\nabc\r\n0\r\n\r\n"),
    ("space behind", b"3 \r\nabc\r\n0\r\n\r\n"),
    ("2^63", b"8000000000000000\r\nabc\r\n0\r\n\r\n"),
    ("overflow", b"FFFFFFFFFFFFFFFFF\r\nabc\r\n0\r\n\r\n"),
    ("line feed alone", b"3\nabc\r\n0\r\n\r\n"),
    ("data not ended", b"3\r\nabcd\r\n0\r\n\r\n"),
    ("data ended by a line feed", b"3\r\nabc\n0\r\n\r\n"),
    ("extension with a line feed", b"3;a\nb\r\nabc\r\n0\r\n\r\n"),
    ("extension with NUL", b"3;a\0\r\nabc\r\n0\r\n\r\n"),
    ("endless extension", b"3;" + b"a" * 5000 + b"\r\nabc\r\n0\r\n\r\n"),
    ("trailer with a space before the colon", b"3\r\nabc\r\n0\r\nX : y\r\n\r\n"),
    ("trailers too large", b"3\r\nabc\r\n0\r\n" + b"".join(b"X%d: " % n + b"a" * 100 + CRLF for n in range(60)) + CRLF),
]

# Responses of an upstream that are answered 502.
BAD_RESPONSES = [
    ("length and chunked", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
    ("differing lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
    ("bad length", b"HTTP/1.1 200 OK\r\nContent-Length: 3x\r\n\r\nabc"),
    ("unknown coding", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc"),
    ("bare line feeds", b"HTTP/1.1 200 OK\nContent-Length: 3\n\nabc"),
    ("continuation line", b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n"),
    ("space before the colon", b"HTTP/1.1 200 OK\r\nContent-Length : 3\r\n\r\nabc"),
    ("NUL in a value", b"HTTP/1.1 200 OK\r\nX: \0\r\nContent-Length: 0\r\n\r\n"),
    ("bad name", b"HTTP/1.1 200 OK\r\nX Y: a\r\nContent-Length: 0\r\n\r\n"),
    ("not HTTP", b"+OK ready\r\n\r\n"),
    ("HTTP/2", b"HTTP/2 200 OK\r\n\r\n"),
    ("status of two digits", b"HTTP/1.1 20 OK\r\n\r\n"),
    ("status of letters", b"HTTP/1.1 2xx OK\r\n\r\n"),
    ("large head", b"HTTP/1.1 200 OK\r\n" + b"".join(b"X%d: " % n + b"a" * 1000 + CRLF for n in range(40)) + CRLF),
    ("nothing", b""),
    ("half a head", b"HTTP/1.1 200 OK\r\nContent-Le"),
    ("a switch not asked for", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nabc"),
]

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: t\r\n\r\n"


class Requests(WeirCase):
    @classmethod
    def configure(cls):
        cls.app = cls.upstream()
        return f"""
listeners: {{ web: {{ bind: "127.0.0.1:0", upstream: app }} }}
upstreams: {{ app: ["{cls.app.address}"] }}
"""

    def test_each_is_refused_and_nothing_of_it_reaches_the_upstream(self):
        before = self.app.mark()
        for name, data, status in REFUSED:
            with self.subTest(name), self.weir.client() as client:
                client.send(data + SMUGGLED)
                response = client.response()
                self.assertEqual((response.status, response.get("Connection")), (status, "close"))
                self.assertTrue(client.ended())
                self.assertEqual(self.app.received(before), b"")

    def test_each_is_refused_byte_by_byte_too(self):
        before = self.app.mark()
        for name, data, status in REFUSED:
            if len(data) > 1000:
                continue
            with self.subTest(name), self.weir.client() as client:
                try:
                    for at in range(len(data)):
                        client.send(data[at:at + 1])
                except (BrokenPipeError, ConnectionResetError):
                    pass  # refused before it was complete
                self.assertEqual(client.response().status, status)
                self.assertEqual(self.app.received(before), b"")

    def test_a_good_request_before_a_bad_one_is_answered_and_only_that_one_passes(self):
        before = self.app.mark()
        for name, data, status in REFUSED[::4]:
            with self.subTest(name), self.weir.client() as client:
                client.send(request(start=b"GET /good HTTP/1.1") + data + SMUGGLED)
                self.assertEqual(client.response().status, 200)
                self.assertEqual(client.response().status, status)
                self.assertTrue(client.ended())
        got = self.app.received(before)
        self.assertEqual(got.count(b"GET /good HTTP/1.1\r\n"), len(REFUSED[::4]))
        self.assertNotIn(b"smuggled", got)
        self.assertNotIn(b"GET / ", got)

    def test_a_path_without_a_single_form_is_refused_and_the_connection_goes_on(self):
        for path in BAD_PATHS:
            with self.subTest(path), self.weir.client() as client:
                before = len(self.app.requests)
                client.send(request(start=b"GET " + path + b" HTTP/1.1"))
                self.assertEqual(client.response().status, 400)
                self.assertEqual(client.get("/after").status, 200)
                self.assertEqual([r.target for r in self.app.requests[before:]], ["/after"])

    def test_a_broken_chunk_ends_both_connections_and_is_never_completed(self):
        for name, data in BAD_CHUNKS:
            with self.subTest(name), self.weir.client() as client:
                connections = len(self.app.connections)
                client.send(request(b"Transfer-Encoding: chunked", start=b"PUT /bad HTTP/1.1", body=data + SMUGGLED))
                self.assertEqual(client.response().status, 400)
                self.assertTrue(client.ended())
                for connection in self.app.connections[connections:]:
                    self.assertNotIn(b"\n0\r\n\r\n", bytes(connection.received))
                    self.assertNotIn(b"smuggled", bytes(connection.received))
        self.assertEqual([r.target for r in self.app.requests if r.target == "/bad"], [])

    def test_what_is_only_unusual_passes(self):
        for name, data in (
                ("an empty line in front", b"\r\n" + request()),
                ("a trailer that would frame", request(b"Transfer-Encoding: chunked", start=b"PUT / HTTP/1.1",
                                                       body=b"3\r\nabc\r\n0\r\nContent-Length: 5\r\n\r\n")),
                ("unknown method", request(start=b"BREW / HTTP/1.1")),
                ("empty host", request(host=b"Host:")),
                ("upper-case coding", request(b"Transfer-Encoding: CHUNKED", start=b"PUT / HTTP/1.1", body=b"0\r\n\r\n")),
                ("chunk extension", request(b"Transfer-Encoding: chunked", start=b"PUT / HTTP/1.1",
                                            body=b'3;a=b;c="d"\r\nabc\r\n0;e\r\n\r\n')),
                ("leading zeros", request(b"Transfer-Encoding: chunked", start=b"PUT / HTTP/1.1",
                                          body=b"0003\r\nabc\r\n000\r\n\r\n"))):
            with self.subTest(name), self.weir.client() as client:
                client.send(data)
                self.assertEqual(client.response().status, 200)
                self.assertEqual(client.get("/next").status, 200)


class Responses(WeirCase):
    @classmethod
    def configure(cls):
        cls.answer = b""

        def script(connection):
            """The answer of the moment to /bad, and a good one to everything else."""
            while True:
                request = connection.request()
                if request.target == "/bad":
                    connection.send(cls.answer)
                    return
                connection.respond(body=b"good")

        cls.app = cls.upstream(script)
        return f"""
listeners: {{ web: {{ bind: "127.0.0.1:0", upstream: app }} }}
upstreams: {{ app: ["{cls.app.address}"] }}
"""

    def test_each_is_answered_502_and_the_next_request_is_not_touched_by_it(self):
        for name, answer in BAD_RESPONSES:
            with self.subTest(name), self.weir.client() as client:
                Responses.answer = answer + (b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled" if answer else b"")
                if name == "half a head":
                    Responses.answer = answer
                response = client.get("/bad")
                self.assertEqual(response.status, 502)
                self.assertNotIn(b"smuggled", response.body)
                self.assertEqual(client.get("/next").body, b"good")

    def test_what_an_upstream_sends_beyond_its_answer_is_never_anybody_s_answer(self):
        extra = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled"

        def script(connection):
            while True:
                connection.request()
                connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood" + extra)

        app = self.upstream(script)
        weir = self.start(f"""
listeners: {{ web: {{ bind: "127.0.0.1:0", upstream: app }} }}
upstreams: {{ app: ["{app.address}"] }}
""")
        with weir.client() as client:
            for _ in range(10):
                self.assertEqual(client.get().body, b"good")

    def test_a_chunked_answer_that_breaks_is_cut_and_never_completed(self):
        for data in (b"zz\r\n", b"3\r\nabcX", b"3 \r\nabc\r\n", b"3\r\nabc\r\n0\r\nbad trailer\r\n\r\n"):
            with self.subTest(data), self.weir.client() as client:
                Responses.answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n" + data
                client.send(request(start=b"GET /bad HTTP/1.1"))
                try:
                    response = client.head()
                except Closed:
                    continue  # nothing of it was passed on
                if response.status == 200:
                    self.assertNotIn(b"\r\n0\r\n", client.rest())
                else:
                    self.assertEqual(response.status, 502)


if __name__ == "__main__":
    unittest.main()
