"""The access log: requests that are refused, attempts that fail, and the formats for people and by template."""
import json

from harness import WeirCase, unused_port, wait_until


class Refused(WeirCase):
    """Requests that are refused before they are understood: each has its line, with the rule and what came."""

    @classmethod
    def configure(cls):
        return """
listeners: { web: "127.0.0.1:0" }
routes: [{ respond: hi }]
timeouts: { head: 200ms }
access_log: json
"""

    def line_of(self, data):
        before = len(self.weir.lines())
        client = self.client()
        client.send(data)
        status = client.response().status
        line = json.loads(self.weir.log_lines(before + 1)[before])
        self.assertEqual(line["status"], status)
        return line

    def test_a_request_line_that_is_too_long(self):
        line = self.line_of(b"GET /" + b"a" * 9000)
        self.assertEqual((line["status"], line["end"], line["word"]), (414, "bad_request", "request-line-too-long"))
        self.assertEqual(line["request_line"], "GET /" + "a" * 251)

    def test_a_bare_line_feed(self):
        line = self.line_of(b"GET /x HTTP/1.1\nHost: t\n\n")
        self.assertEqual((line["status"], line["word"]), (400, "bare-lf"))
        self.assertEqual(line["request_line"], "GET /x HTTP/1.1")

    def test_a_tls_client_on_a_plain_port_is_told_at_once(self):
        line = self.line_of(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        self.assertEqual((line["status"], line["word"]), (400, "tls-hello"))
        self.assertTrue(line["request_line"].startswith("\x16\x03\x01\x02\x00"))

    def test_a_head_that_does_not_come(self):
        line = self.line_of(b"GET /slow HTTP/1.1\r\nHost: ")
        self.assertEqual((line["status"], line["end"]), (408, "head_timeout"))
        self.assertEqual(line["request_line"], "GET /slow HTTP/1.1")

    def test_two_lengths(self):
        line = self.line_of(b"GET / HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n")
        self.assertEqual((line["word"], line["request_line"]), ("two-lengths", "GET / HTTP/1.1"))


class Attempts(WeirCase):
    """An endpoint that nobody listens at beside a good one, and one whose answers are malformed."""

    weir_options = {"workers": 1}

    @classmethod
    def configure(cls):
        def broken(connection):
            while True:
                connection.request()
                connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n")

        cls.dead, cls.good, cls.broken = f"127.0.0.1:{unused_port()}", cls.upstream().address, cls.upstream(broken).address
        return f"""
listeners: {{ web: "127.0.0.1:0" }}
access_log: json
routes:
  - {{ path: /broken, upstream: broken }}
  - {{ upstream: app }}
upstreams: {{ app: ["{cls.dead}", "{cls.good}"], broken: ["{cls.broken}"] }}
"""

    def lines_of(self, target, count):
        return wait_until(lambda: (found := [e for e in map(json.loads, self.weir.lines()) if e["target"] == target])[count - 1:]
                          and found, self.weir.stdout)

    def test_every_attempt_is_logged_and_the_endpoint_once(self):
        client = self.client()
        for _ in range(6):
            self.assertEqual(client.get("/tries").status, 200)
        lines = self.lines_of("/tries", 6)
        retried = [line for line in lines if line["attempts"] == 2]
        self.assertGreater(len(retried), 1)
        self.assertTrue(all("tries" not in line and "failed_ms" not in line for line in lines if line["attempts"] == 1))
        for line in retried:
            self.assertEqual([(a["endpoint"], a["end"]) for a in line["tries"]],
                             [(self.dead, "connect_refused"), (self.good, "ok")])
            self.assertEqual(line["failed_ms"], line["tries"][0]["ms"])
        wanted = f"endpoint fails upstream=app endpoint={self.dead} ending=connect_refused failures=1"
        wait_until(lambda: wanted in self.weir.stderr(), self.weir.stderr)
        self.assertEqual(self.weir.stderr().count(f"endpoint={self.dead}"), 1)

    def test_the_rule_that_a_response_broke_has_its_word(self):
        client = self.client()
        for _ in range(3):
            self.assertEqual(client.get("/broken").status, 502)
        for line in self.lines_of("/broken", 3):
            self.assertEqual((line["end"], line["word"], line["endpoint"]), ("bad_response", "two-lengths", self.broken))
        wanted = f"endpoint fails upstream=broken endpoint={self.broken} ending=bad_response word=two-lengths failures=1"
        wait_until(lambda: wanted in self.weir.stderr(), self.weir.stderr)
        self.assertEqual(self.weir.stderr().count(f"endpoint={self.broken}"), 1)


class LogByTemplate(WeirCase):
    @classmethod
    def configure(cls):
        return """
listeners: { web: "127.0.0.1:0" }
access_log: '${status} ${user} "${request_line}" "${header.X-Color}" ${end} ${word} ${endpoint}'
routes: [{ path: /own, respond: "12345" }]
"""

    def test_a_line_holds_what_the_template_asks_for(self):
        client = self.client()
        client.get("/own", headers=[("Authorization", "Basic YWxpY2U6c2VjcmV0"), ("X-Color", "\"red\"")])
        client.send(b"GET /own HTTP/1.1\n")
        self.assertEqual(self.weir.log_lines(2), [
            r'200 alice "GET /own HTTP/1.1" "\x22red\x22" responded - -',
            r'400 - "GET /own HTTP/1.1" "-" bad_request bare-lf -'])


class TerminalLog(WeirCase):
    @classmethod
    def configure(cls):
        return """
listeners: { web: "127.0.0.1:0" }
access_log: terminal
routes: [{ path: /own, respond: "12345" }]
"""

    def test_a_line_says_what_came_of_a_request_and_why(self):
        client = self.client()
        client.get("/own?a")
        client.get("/nowhere")
        lines = self.weir.log_lines(2)
        self.assertRegex(lines[0], r"^\d\d:\d\d:\d\dZ GET /own\?a 200 [\d.]+ms -$")
        self.assertRegex(lines[1], r"^\d\d:\d\d:\d\dZ GET /nowhere 404 [\d.]+ms - no_route$")
