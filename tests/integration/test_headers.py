"""Forwarding headers, hop-by-hop fields, request ids, error pages, the access log."""
import json
import re
import unittest

from harness import WeirCase, unused_port, wait_until


class Forwarding(WeirCase):
    @classmethod
    def configure(cls):
        app = cls.upstream()
        return f"""
forwarding: {{ via: true }}
listeners: {{ web: {{ bind: "127.0.0.1:0", upstream: app }} }}
upstreams: {{ app: ["{app.address}"] }}
"""

    def test_forwarding_fields_describe_the_client(self):
        response = self.client().get(host="Site.test:8080")
        self.assertEqual(self.fields(response, "x-forwarded-for"), ["127.0.0.1"])
        self.assertEqual(self.fields(response, "x-forwarded-proto"), ["http"])
        self.assertEqual(self.fields(response, "x-forwarded-host"), ["Site.test:8080"])
        self.assertEqual(self.fields(response, "via"), [])  # it would switch compression off at some origins
        self.assertRegex(self.fields(response, "forwarded")[0], r'^for=127\.0\.0\.1;.*host="Site\.test:8080"')
        self.assertEqual(response.get("Via"), "1.1 weir")

    def test_nobody_s_claims_are_believed(self):
        response = self.client().get(headers=[
            ("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil.test"),
            ("Forwarded", "for=6.6.6.6"), ("X-Request-ID", "mine")])
        self.assertEqual(self.fields(response, "x-forwarded-for"), ["127.0.0.1"])
        self.assertEqual(self.fields(response, "x-forwarded-proto"), ["http"])
        self.assertEqual(self.fields(response, "x-forwarded-host"), ["test"])
        self.assertNotIn("6.6.6.6", json.dumps(self.seen(response)))
        self.assertNotEqual(self.fields(response, "x-request-id"), ["mine"])

    def test_a_request_id_is_made_sent_and_echoed(self):
        client = self.client()
        ids = set()
        for _ in range(10):
            response = client.get()
            self.assertEqual(self.fields(response, "x-request-id"), response.all("X-Request-ID"))
            self.assertRegex(response.get("X-Request-ID"), r"^[0-9a-f]{32}$")
            ids.add(response.get("X-Request-ID"))
        self.assertEqual(len(ids), 10)

    def test_hop_by_hop_fields_end_here(self):
        response = self.client().get(headers=[
            ("Connection", "X-Secret, close"), ("X-Secret", "1"), ("Keep-Alive", "timeout=5"), ("TE", "gzip"),
            ("Proxy-Connection", "keep-alive"), ("X-Kept", "2")])
        for name in ("connection", "x-secret", "keep-alive", "te", "proxy-connection"):
            self.assertEqual(self.fields(response, name), [], name)
        self.assertEqual(self.fields(response, "x-kept"), ["2"])

    def test_connection_cannot_strip_what_everybody_must_see(self):
        response = self.client().get(headers=[
            ("Connection", "Host, Authorization, X-Forwarded-For, Cookie, Content-Length"), ("Authorization", "Basic x"),
            ("Cookie", "a=b")])
        self.assertEqual(self.fields(response, "host"), ["test"])
        self.assertEqual(self.fields(response, "authorization"), ["Basic x"])
        self.assertEqual(self.fields(response, "cookie"), ["a=b"])
        self.assertEqual(self.fields(response, "x-forwarded-for"), ["127.0.0.1"])

    def test_other_fields_pass_byte_for_byte_in_order(self):
        client = self.client()
        client.send(b"GET / HTTP/1.1\r\nHost: t\r\nx-lower: a  b\r\nX-UPPER:\tx\r\nx-lower: \xc3\xa9\r\nEmpty:\r\n\r\n")
        names = [(k, v) for k, v in self.seen(client.response())["headers"] if k.lower() in ("x-lower", "x-upper", "empty")]
        self.assertEqual(names, [("x-lower", "a  b"), ("X-UPPER", "x"), ("x-lower", "\xc3\xa9"), ("Empty", "")])


class TrustedProxies(WeirCase):
    @classmethod
    def configure(cls):
        app = cls.upstream()
        return f"""
listeners: {{ web: {{ bind: "127.0.0.1:0", upstream: app }} }}
forwarding: {{ trusted_proxies: ["127.0.0.0/8", "10.0.0.0/8"] }}
access_log: json
upstreams: {{ app: ["{app.address}"] }}
"""

    def test_what_a_trusted_proxy_says_is_kept_and_appended_to(self):
        response = self.client().get(headers=[
            ("X-Forwarded-For", "192.0.2.1, 10.1.1.1"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "public.test"),
            ("Forwarded", "for=192.0.2.1"), ("X-Request-ID", "from-the-edge")])
        joined = ", ".join(self.fields(response, "x-forwarded-for"))
        self.assertEqual(joined.replace(" ", ""), "192.0.2.1,10.1.1.1,127.0.0.1")
        self.assertEqual(self.fields(response, "x-forwarded-proto"), ["https"])
        self.assertEqual(self.fields(response, "x-forwarded-host"), ["public.test"])
        self.assertTrue(", ".join(self.fields(response, "forwarded")).startswith("for=192.0.2.1, for=127.0.0.1"))
        self.assertEqual(self.fields(response, "x-request-id"), ["from-the-edge"])
        self.assertEqual(response.get("X-Request-ID"), "from-the-edge")
        self.assertEqual(json.loads(self.weir.log_lines(1)[-1])["client"], "192.0.2.1")


class SwitchedOff(WeirCase):
    @classmethod
    def configure(cls):
        app = cls.upstream()
        return f"""
listeners: {{ web: {{ bind: "127.0.0.1:0", upstream: app }} }}
forwarding: {{ x_forwarded: false, forwarded: false, via: false, request_id: false }}
server_name: ""
upstreams: {{ app: ["{app.address}"] }}
routes: [{{ path: /own, respond: hello }}]
"""

    def test_nothing_is_added(self):
        client = self.client()
        response = client.get()
        self.assertEqual([k.lower() for k, _ in self.seen(response)["headers"]], ["host"])
        self.assertEqual(response.all("Via") + response.all("X-Request-ID"), [])
        self.assertEqual(client.get("/own").all("Server"), [])


class ErrorPages(WeirCase):
    @classmethod
    def configure(cls):
        return f"""
listeners: {{ web: {{ bind: "127.0.0.1:0", upstream: dead }} }}
routes: [{{ host: none.test, upstream: none }}]
upstreams:
  dead: ["127.0.0.1:{unused_port()}"]
  none: {{ endpoints: [{{ address: "127.0.0.1:{unused_port()}", weight: 0 }}] }}
"""

    def test_the_form_follows_accept(self):
        client = self.client()
        for accept, kind in ((None, "text/plain"), ("text/html,*/*;q=0.8", "text/html"), ("*/*", "text/plain"),
                             ("application/problem+json", "application/problem+json"),
                             ("application/json", "application/problem+json"), ("image/png", "text/plain"),
                             ("text/html;q=0.1, text/plain", "text/plain")):
            with self.subTest(accept=accept):
                response = client.get(headers=[("Accept", accept)] if accept else [])
                self.assertEqual(response.status, 502)
                self.assertTrue(response.get("Content-Type").startswith(kind), response)
                request_id = response.get("X-Request-ID")
                self.assertIn(request_id.encode(), response.body)
                self.assertNotIn(b"127.0.0.1", response.body)
                if kind == "application/problem+json":
                    self.assertEqual(json.loads(response.body)["status"], 502)

    def test_head_gets_the_head_of_the_error(self):
        client = self.client()
        response = client.request("HEAD")
        self.assertEqual(response.status, 502)
        self.assertGreater(int(response.get("Content-Length")), 0)
        self.assertEqual(client.get().status, 502)

    def test_an_upstream_without_weight_is_503_with_retry_after(self):
        response = self.client().get(host="none.test")
        self.assertEqual((response.status, response.get("Retry-After") is not None), (503, True))


class CombinedLog(WeirCase):
    @classmethod
    def configure(cls):
        app = cls.upstream()
        return f"""
listeners: {{ web: {{ bind: "127.0.0.1:0", upstream: app }} }}
access_log: combined
routes: [{{ path: /own, respond: "12345" }}]
upstreams: {{ app: ["{app.address}"] }}
"""

    def test_lines_are_what_every_log_tool_reads(self):
        client = self.client()
        client.request("POST", "/own?x=%22", headers=[("Referer", "http://a/\"quoted\""), ("User-Agent", "agent\xe9")])
        line = self.weir.log_lines(1)[0]
        match = re.fullmatch(r'127\.0\.0\.1 - - \[(\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000)\] "POST /own\?x=%22 HTTP/1\.1" '
                             r'200 5 "http://a/\\x22quoted\\x22" "agent\\x[Ee]9"', line)
        self.assertTrue(match, line)


class JsonLog(WeirCase):
    @classmethod
    def configure(cls):
        app = cls.upstream()

        def dies(connection):
            connection.head()
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")

        def silent(connection):
            connection.head()

        def garbage(connection):
            connection.head()
            connection.send(b"SSH-2.0-OpenSSH\r\n\r\n")

        dies, silent, garbage = cls.upstream(dies), cls.upstream(silent), cls.upstream(garbage)
        return f"""
listeners: {{ web: {{ bind: "127.0.0.1:0" }} }}
access_log: {{ format: json }}
routes:
  - {{ name: app, host: app.test, upstream: app, max_body: 10B }}
  - {{ host: own.test, respond: hi }}
  - {{ host: dies.test, upstream: dies }}
  - {{ host: silent.test, upstream: silent }}
  - {{ host: garbage.test, upstream: garbage }}
  - {{ host: dead.test, upstream: dead }}
upstreams:
  app: ["{app.address}"]
  dies: ["{dies.address}"]
  silent: ["{silent.address}"]
  garbage: ["{garbage.address}"]
  dead: ["127.0.0.1:{unused_port()}"]
"""

    def line_of(self, request_id=None, **wanted):
        def find():
            for line in self.weir.lines():
                entry = json.loads(line)
                if request_id and entry.get("request_id") == request_id:
                    return entry
                if not request_id and all(entry.get(k) == v for k, v in wanted.items()):
                    return entry
        return wait_until(find, lambda: f"{request_id or wanted} in {self.weir.stdout()}")

    def ending(self, host, status, **options):
        response = self.client().request(options.get("method", "GET"), options.get("target", "/"), host=host,
                                         body=options.get("body"))
        self.assertEqual(response.status, status)
        return self.line_of(response.get("X-Request-ID"))

    def test_a_line_says_everything_about_an_exchange(self):
        line = self.ending("app.test", 200, method="PUT", target="/a?b", body=b"12345")
        self.assertEqual({key: line[key] for key in ("client", "listener", "route", "upstream", "method", "target", "host",
                                                      "status", "bytes_in", "end")},
                         {"client": "127.0.0.1", "listener": "web", "route": "app", "upstream": "app", "method": "PUT",
                          "target": "/a?b", "host": "app.test", "status": 200, "bytes_in": 5, "end": "ok"})
        self.assertGreater(line["bytes_out"], 0)
        for phase in ("head_ms", "connect_ms", "first_byte_ms", "total_ms"):
            self.assertGreaterEqual(line[phase], 0)
            self.assertLessEqual(line[phase], line["total_ms"])
        self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")

    def test_each_end_has_its_word(self):
        self.assertEqual(self.ending("own.test", 200)["end"], "responded")
        self.assertEqual(self.ending("nobody.test", 404)["end"], "no_route")
        self.assertEqual(self.ending("app.test", 413, method="PUT", body=b"x" * 11)["end"], "body_too_large")
        self.assertEqual(self.ending("dead.test", 502)["end"], "connect_refused")
        self.assertEqual(self.ending("silent.test", 502)["end"], "upstream_closed")
        self.assertEqual(self.ending("garbage.test", 502)["end"], "bad_response")

    def test_a_cut_answer_has_a_line_with_the_status_that_was_sent(self):
        client = self.client()
        client.send(b"GET /cut HTTP/1.1\r\nHost: dies.test\r\n\r\n")
        self.assertEqual(client.head().status, 200)
        self.assertEqual(client.rest(), b"half")
        line = self.line_of(target="/cut")
        self.assertEqual((line["status"], line["bytes_out"], line["end"]), (200, 4, "upstream_closed"))

    def test_a_refused_request_has_a_line(self):
        client = self.client()
        client.send(b"GET /refused HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        self.assertEqual(client.response().status, 400)
        self.assertEqual(self.line_of(end="bad_request")["status"], 400)


if __name__ == "__main__":
    unittest.main()
