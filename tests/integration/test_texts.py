"""Texts with variables, headers of listeners and routes on every answer, TRACE and Max-Forwards."""
import unittest

from harness import WeirCase, unused_port


class Variables(WeirCase):
    @classmethod
    def configure(cls):
        app = cls.upstream(name="app")
        return f"""
forwarding: {{ trusted_proxies: [127.0.0.0/8] }}
listeners: {{ web: {{ bind: "127.0.0.1:0" }} }}
upstreams: {{ app: ["{app.address}"] }}
routes:
  - name: api
    path: /api
    upstream: app
    request_headers:
      set: {{ X-Real-IP: "${{client}}", X-Where: "${{scheme}}://${{host_port}}${{uri}} ${{host}}", X-Plain: "$$5" }}
      add: {{ X-From: ["${{listener}}/${{route}}", "${{header.X-Tenant}}-${{header.user-agent}}", constant] }}
    response_headers: {{ set: {{ X-Id: "${{request_id}}", X-Method: "${{method}} ${{path}} ${{query}}" }} }}
  - {{ path: /tenant, upstream: app, rewrite: {{ prefix: "/t/${{header.X-Tenant}}", host: "${{header.X-Tenant}}.test" }} }}
  - {{ path: /whole, upstream: app, rewrite: {{ path: "/w/${{host}}${{path}}" }} }}
  - {{ path: /dollar, upstream: app, rewrite: {{ prefix: "/a$$b" }} }}
  - {{ path: /moved, redirect: "https://${{host}}:8443${{uri}}" }}
  - {{ path: /fixed, redirect: {{ status: 302, location: "/caf\u00e9/$$" }} }}
  - {{ path: /own, respond: {{ body: hello, headers: {{ X-Asked: "${{method}} ${{uri}}", X-Same: same }} }} }}
"""

    def test_headers_to_the_upstream(self):
        response = self.client().get("/api/x?q=1", host="Site.test:81", headers=[
            ("X-Tenant", "acme"), ("User-Agent", "tester"), ("X-Real-IP", "6.6.6.6")])
        self.assertEqual(self.fields(response, "x-real-ip"), ["127.0.0.1"])
        self.assertEqual(self.fields(response, "x-where"), ["http://Site.test:81/api/x?q=1 Site.test"])
        self.assertEqual(self.fields(response, "x-plain"), ["$5"])
        self.assertEqual(self.fields(response, "x-from"), ["web/api", "acme-tester", "constant"])

    def test_what_a_trusted_proxy_says_counts(self):
        response = self.client().get("/api", headers=[("X-Forwarded-For", "192.0.2.9"), ("X-Forwarded-Proto", "HTTPS")])
        self.assertEqual(self.fields(response, "x-real-ip"), ["192.0.2.9"])
        self.assertEqual(self.fields(response, "x-where"), ["https://test/api test"])

    def test_headers_to_the_client(self):
        client = self.client()
        for _ in range(3):
            response = client.get("/api//%61?q")
            self.assertEqual(response.all("X-Id"), response.all("X-Request-ID"))
            self.assertEqual(response.get("X-Method"), "GET /api/a q")

    def test_a_prefix_and_a_host_may_come_from_a_header(self):
        response = self.client().get("/tenant/a/b?q", headers=[("X-Tenant", "acme")])
        self.assertEqual(self.seen(response)["target"], "/t/acme/a/b?q")
        self.assertEqual(self.fields(response, "host"), ["acme.test"])

    def test_a_header_cannot_make_another_path_or_host(self):
        for tenant in ("..", ".", "a/b", "a..b:99999", "a%2Fb", "a b", "a@b"):
            response = self.client().get("/tenant/a", headers=[("X-Tenant", tenant)])
            self.assertEqual(response.status, 400, tenant)

    def test_a_whole_path_may_hold_variables(self):
        self.assertEqual(self.seen(self.client().get("/whole/x?y"))["target"], "/w/test/whole/x?y")
        self.assertEqual(self.seen(self.client().get("/dollar/x"))["target"], "/a$b/x")

    def test_long_values_have_room_or_are_refused(self):
        long = "x" * 6000
        response = self.client().get("/api/" + long)
        self.assertEqual(self.fields(response, "x-where"), [f"http://test/api/{long} test"])

    def test_redirects(self):
        response = self.client().get("/moved//x?a=b", host="a.test:80")
        self.assertEqual((response.status, response.get("Location")), (308, "https://a.test:8443/moved/x?a=b"))
        response = self.client().get("/fixed")
        self.assertEqual((response.status, response.get("Location")), (302, "/caf%C3%A9/$"))

    def test_headers_of_a_configured_answer(self):
        response = self.client().get("/own?x")
        self.assertEqual((response.body, response.get("X-Asked"), response.get("X-Same")), (b"hello", "GET /own?x", "same"))


class OwnAnswers(WeirCase):
    @classmethod
    def configure(cls):
        app = cls.upstream(name="app")
        return f"""
timeouts: {{ head: 200ms }}
listeners:
  web:
    bind: "127.0.0.1:0"
    response_headers:
      remove: [Server]
      set: {{ Strict-Transport-Security: max-age=1, X-Who: listener, X-Asked: "${{listener}} ${{method}} ${{path}}" }}
  other: {{ bind: "127.0.0.1:0", upstream: app }}
upstreams: {{ app: ["{app.address}"], gone: ["127.0.0.1:{unused_port()}"] }}
routes:
  - path: /gone
    upstream: gone
    response_headers: {{ set: {{ Access-Control-Allow-Origin: "*", X-Who: route }} }}
  - path: /silent
    upstream: gone
    response_headers: {{ set: {{ Access-Control-Allow-Origin: "*" }}, own_answers: false }}
  - {{ path: /app, upstream: app, response_headers: {{ set: {{ X-Who: route }}, remove: [X-Asked] }} }}
  - {{ path: /own, methods: [GET], respond: hello, response_headers: {{ set: {{ X-Who: route }}, own_answers: false }} }}
"""

    def both(self, response):
        return response.get("Strict-Transport-Security"), response.get("X-Who"), response.get("Server")

    def test_the_headers_of_a_route_go_onto_a_502(self):
        response = self.client().get("/gone")
        self.assertEqual((response.status, response.get("Access-Control-Allow-Origin")), (502, "*"))
        self.assertEqual(self.both(response), ("max-age=1", "route", None))
        self.assertEqual(len(response.all("X-Request-ID")), 1)

    def test_unless_it_says_otherwise(self):
        response = self.client().get("/silent")
        self.assertEqual((response.status, response.get("Access-Control-Allow-Origin")), (502, None))
        self.assertEqual(self.both(response), ("max-age=1", "listener", None))

    def test_its_configured_answer_has_them_in_any_case(self):
        self.assertEqual(self.both(self.client().get("/own")), ("max-age=1", "route", None))

    def test_the_headers_of_a_listener_go_onto_what_is_passed_on(self):
        response = self.client().get("/app")
        self.assertEqual(self.both(response), ("max-age=1", "route", None))
        self.assertEqual(response.get("X-Asked"), None)

    def test_and_onto_refused_requests_too(self):
        self.assertEqual(self.both(self.client().get("/nothing")), ("max-age=1", "listener", None))
        client = self.client()
        client.send(b"GET / HTTP/9.9\r\n\r\n")
        response = client.response()
        self.assertEqual(self.both(response), ("max-age=1", "listener", None))
        self.assertEqual(response.get("X-Asked"), "web")
        client = self.client()
        client.send(b"GET / HTTP/1.1\r\nHost: t\r\n")
        response = client.response()
        self.assertEqual((response.status, *self.both(response)), (408, "max-age=1", "listener", None))

    def test_another_listener_has_none_of_them(self):
        response = self.client("other").get("/nothing")
        self.assertEqual(response.get("Strict-Transport-Security"), None)
        self.assertEqual(self.client("other").get("/own").get("Server"), "weir")


class LastHop(WeirCase):
    @classmethod
    def configure(cls):
        app = cls.upstream(name="app")
        return f"""
listeners: {{ web: {{ bind: "127.0.0.1:0" }} }}
upstreams: {{ app: ["{app.address}"] }}
routes:
  - {{ path: /trace, upstream: app, allow_trace: true, response_headers: {{ set: {{ X-Route: trace }} }} }}
  - {{ path: /few, upstream: app, methods: [GET, TRACE, OPTIONS, CONNECT] }}
  - {{ path: /own, respond: hello }}
  - {{ upstream: app }}
"""

    def test_trace_is_refused_where_no_route_allows_it(self):
        usual = "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH"
        for target, allow in (("/x", usual), ("/own", usual), ("/few", "GET, OPTIONS")):
            client = self.client()
            response = client.request("TRACE", target)
            self.assertEqual((response.status, response.get("Allow")), (405, allow))
            self.assertEqual(client.get("/x").status, 200)  # the connection goes on

    def test_a_refused_connect_names_what_is_allowed(self):
        client = self.client()
        client.send(b"CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n")
        response = client.response()
        self.assertEqual((response.status, response.get("Allow")), (405, "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH"))

    def test_trace_is_passed_on_where_it_is_allowed(self):
        response = self.client().request("TRACE", "/trace", headers=[("Authorization", "x"), ("Max-Forwards", "2")])
        self.assertEqual(self.seen(response)["method"], "TRACE")
        self.assertEqual(self.fields(response, "max-forwards"), ["1"])
        self.assertEqual(self.fields(response, "authorization"), [])

    def test_a_trace_at_its_last_hop_is_reflected_without_credentials(self):
        response = self.client().request("TRACE", "/trace/x?y", headers=[
            ("Max-Forwards", "0"), ("Authorization", "Basic x"), ("X-Kept", "1"), ("cookie", "a=b"),
            ("Proxy-Authorization", "Basic y")])
        self.assertEqual((response.status, response.get("Content-Type")), (200, "message/http"))
        self.assertEqual(response.get("X-Route"), "trace")
        self.assertEqual(response.body, b"TRACE /trace/x?y HTTP/1.1\r\nHost: test\r\nMax-Forwards: 0\r\nX-Kept: 1\r\n\r\n")

    def test_options_at_its_last_hop_says_what_is_allowed(self):
        for target, allow in (("/x", "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH"), ("*", None), ("/few", "GET, OPTIONS"),
                              ("/trace", "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH, TRACE")):
            client = self.client()
            response = client.request("OPTIONS", target, headers=[("Max-Forwards", "0")])
            self.assertEqual((response.status, response.body), (200, b""))
            self.assertEqual(response.get("Content-Length"), "0")
            if allow:
                self.assertEqual(response.get("Allow"), allow)
            self.assertEqual(client.get("/x").status, 200)

    def test_max_forwards_means_nothing_for_other_methods(self):
        response = self.client().get("/x", headers=[("Max-Forwards", "0")])
        self.assertEqual(self.fields(response, "max-forwards"), ["0"])
        self.assertEqual(self.client().request("OPTIONS", "/own", headers=[("Max-Forwards", "0")]).body, b"hello")


if __name__ == "__main__":
    unittest.main()
