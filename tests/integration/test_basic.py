"""What a configuration can say, each feature end to end."""
import json
import os
import subprocess
import tempfile
import threading
import unittest

from harness import Weir, WeirCase, need, need_ipv6, unless, unused_port


class Routing(WeirCase):
    @classmethod
    def configure(cls):
        one, two = cls.upstream(name="one"), cls.upstream(name="two")
        return f"""
listeners:
  web: {{ bind: "127.0.0.1:0", upstream: one }}
  bare: {{ bind: "127.0.0.1:0" }}
  secure: {{ bind: "127.0.0.1:0", redirect_to_https: true }}
routes:
  - {{ host: app.test, upstream: two }}
  - {{ host: app.test, path: /one, upstream: one }}
  - {{ host: app.test, path: "=/one/exact", respond: "exact" }}
  - {{ host: "*.wild.test", respond: "wild" }}
  - {{ host: known.wild.test, respond: "known" }}
  - {{ host: method.test, methods: [POST, PUT], respond: "write" }}
  - {{ host: method.test, respond: "read" }}
  - {{ host: header.test, headers: {{ X-Env: beta }}, respond: "beta" }}
  - {{ host: header.test, headers: {{ X-Any: true }}, respond: "any" }}
  - {{ host: header.test, respond: "none" }}
  - {{ host: only.test, listeners: bare, respond: "bare" }}
  - {{ host: rewrite.test, path: /old, upstream: one, rewrite: {{ prefix: /new }} }}
  - {{ host: rewrite.test, path: /whole, upstream: one, rewrite: {{ path: /fixed }} }}
  - {{ host: rewrite.test, path: /host, upstream: one, rewrite: {{ host: inner.test }} }}
  - {{ host: redirect.test, path: /a, redirect: "https://${{host}}${{uri}}" }}
  - {{ host: redirect.test, path: /b, redirect: {{ status: 302, location: "/there?from=${{path}}" }} }}
  - host: respond.test
    respond: {{ status: 418, body: "short\\n", content_type: text/x-tea, headers: {{ X-Pot: ["a", "b"] }} }}
  - {{ host: respond.test, path: /empty, respond: 204 }}
  - host: edit.test
    upstream: one
    request_headers: {{ remove: [X-Gone], set: {{ X-Set: new }}, add: {{ X-Add: ["1", "2"] }} }}
    response_headers: {{ remove: [Content-Type], set: {{ X-Out: fresh }}, add: {{ X-More: more }} }}
upstreams:
  one: ["{one.address}"]
  two: ["{two.address}"]
"""

    def body(self, host, target="/", method="GET", headers=(), listener="web"):
        response = self.client(listener).request(method, target, headers=headers, host=host)
        self.assertEqual(response.status, 200, response)
        return response.body.decode()

    def test_the_listener_s_upstream_takes_what_no_route_matches(self):
        seen = self.seen(self.client().get("/a/b?c=d"))
        self.assertEqual((seen["server"], seen["method"], seen["target"], seen["version"]),
                         ("one", "GET", "/a/b?c=d", "HTTP/1.1"))

    def test_a_host_and_the_longest_prefix_decide(self):
        client = self.client()
        self.assertEqual(self.seen(client.get("/", host="app.test"))["server"], "two")
        self.assertEqual(self.seen(client.get("/one", host="app.test"))["server"], "one")
        self.assertEqual(self.seen(client.get("/one/deep", host="APP.test:80"))["server"], "one")
        self.assertEqual(self.seen(client.get("/onerous", host="app.test"))["server"], "two")
        self.assertEqual(client.get("/one/exact", host="app.test").body, b"exact")
        self.assertEqual(self.seen(client.get("/one/exact/not", host="app.test"))["server"], "one")

    def test_wildcards_match_subdomains_only_and_exact_hosts_win(self):
        self.assertEqual(self.body("a.wild.test"), "wild")
        self.assertEqual(self.body("a.b.wild.test"), "wild")
        self.assertEqual(self.body("known.wild.test"), "known")
        self.assertEqual(self.seen(self.client().get("/", host="wild.test"))["server"], "one")

    def test_methods_and_headers_choose_among_equal_paths(self):
        self.assertEqual(self.body("method.test", method="POST"), "write")
        self.assertEqual(self.body("method.test"), "read")
        self.assertEqual(self.body("header.test", headers=[("X-Env", "beta")]), "beta")
        self.assertEqual(self.body("header.test", headers=[("x-any", "1")]), "any")
        self.assertEqual(self.body("header.test", headers=[("X-Env", "gamma")]), "none")

    def test_a_route_of_another_listener_does_not_match(self):
        self.assertEqual(self.body("only.test", listener="bare"), "bare")
        self.assertEqual(self.seen(self.client().get("/", host="only.test"))["server"], "one")
        self.assertEqual(self.client("bare").get("/", host="unknown.test").status, 404)

    def test_paths_are_rewritten_and_the_query_stays(self):
        client = self.client()
        for target, expected in (("/old", "/new"), ("/old/x?y=1", "/new/x?y=1"), ("/whole/z?q", "/fixed?q")):
            self.assertEqual(self.seen(client.get(target, host="rewrite.test"))["target"], expected)

    def test_the_host_is_kept_unless_rewritten(self):
        self.assertEqual(self.fields(self.client().get("/x", host="Some.test:81"), "host"), ["Some.test:81"])
        self.assertEqual(self.fields(self.client().get("/host", host="rewrite.test"), "host"), ["inner.test"])

    def test_redirects_fill_in_the_request(self):
        client = self.client()
        response = client.get("/a/b?c=%20", host="redirect.test")
        self.assertEqual((response.status, response.get("Location")), (308, "https://redirect.test/a/b?c=%20"))
        response = client.get("/b/x", host="redirect.test")
        self.assertEqual((response.status, response.get("Location")), (302, "/there?from=/b/x"))
        response = self.client("secure").get("/p?q", host="s.test")
        self.assertEqual((response.status, response.get("Location")), (308, "https://s.test/p?q"))

    def test_respond_answers_by_itself_and_keeps_the_connection(self):
        client = self.client()
        response = client.get("/", host="respond.test")
        self.assertEqual((response.status, response.body, response.get("Content-Type"), response.all("X-Pot")),
                         (418, b"short\n", "text/x-tea", ["a", "b"]))
        self.assertEqual(client.get("/empty", host="respond.test").status, 204)
        response = client.request("HEAD", "/", host="respond.test")
        self.assertEqual((response.status, response.get("Content-Length")), (418, "6"))
        self.assertEqual(client.request("POST", "/", body=b"x" * 100, host="respond.test").status, 418)
        self.assertEqual(client.get("/", host="respond.test").body, b"short\n")

    def test_respond_to_a_body_that_nobody_reads_closes_and_says_so(self):
        client = self.client()
        response = client.request("POST", "/", body=b"x" * 300_000, host="respond.test")
        self.assertEqual((response.status, response.get("Connection")), (418, "close"))
        self.assertTrue(client.ended())

    def test_headers_are_removed_set_and_added(self):
        response = self.client().get("/", host="edit.test", headers=[("X-Gone", "1"), ("x-set", "old"), ("X-Add", "0")])
        self.assertEqual(self.fields(response, "x-gone"), [])
        self.assertEqual(self.fields(response, "x-set"), ["new"])
        self.assertEqual(self.fields(response, "x-add"), ["0", "1", "2"])
        self.assertEqual((response.get("Content-Type"), response.all("X-Out"), response.all("X-More")),
                         (None, ["fresh"], ["more"]))

    def test_what_is_matched_is_what_is_forwarded(self):
        client = self.client()
        self.assertEqual(self.seen(client.get("/x/../one/./a", host="app.test"))["target"], "/one/a")
        seen = self.seen(client.get("http://app.test/one/q?z", host="app.test"))
        self.assertEqual((seen["server"], seen["target"]), ("one", "/one/q?z"))

    def test_a_target_that_names_another_host_than_the_host_field_is_refused(self):
        self.assertEqual(self.client().get("http://app.test/", host="other.test").status, 400)


@unless("windows-no-unix-sockets")
class Addresses(WeirCase):
    @classmethod
    def configure(cls):
        need_ipv6()
        cls.dir = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.dir.cleanup)
        cls.socket_path = f"{cls.dir.name}/weir.sock"
        four, six = cls.upstream(name="four"), cls.upstream(name="six", family="ipv6")
        unix = cls.upstream(name="unix", path=f"{cls.dir.name}/app.sock")
        return f"""
listeners:
  web:
    bind: ["127.0.0.1:0", "[::1]:0", "127.0.0.1:0", "unix:{cls.socket_path}"]
    unix_mode: "0660"
routes:
  - {{ host: four.test, upstream: four }}
  - {{ host: six.test, upstream: six }}
  - {{ host: unix.test, upstream: unix }}
  - {{ host: name.test, upstream: name }}
upstreams:
  four: ["{four.address}"]
  six: ["{six.address}"]
  unix: ["{unix.address}"]
  name: ["localhost:{four.address.rpartition(':')[2]}"]
"""

    def test_every_kind_of_address_listens_and_connects(self):
        self.assertEqual(len(self.weir.addresses("web")), 4)
        for index in range(4):
            client = self.client(index=index)
            for host in ("four", "six", "unix", "name"):
                with self.subTest(listen=self.weir.address("web", index), upstream=host):
                    seen = self.seen(client.get("/", host=f"{host}.test"))
                    self.assertEqual(seen["server"], "four" if host == "name" else host)

    def test_a_unix_socket_has_the_mode_that_was_asked_for(self):
        self.assertEqual(os.stat(self.socket_path).st_mode & 0o777, 0o660)

    def test_each_port_zero_becomes_a_port_of_its_own(self):
        ports = {address.rpartition(":")[2] for address in self.weir.addresses("web")[:3]}
        self.assertEqual(len(ports), 3)
        self.assertNotIn("0", ports)


class Balancing(WeirCase):
    weir_options = {"workers": 1}

    @classmethod
    def configure(cls):
        a, b, c = cls.upstream(name="a"), cls.upstream(name="b"), cls.upstream(name="c")
        dead = unused_port()
        return f"""
listeners:
  web: {{ bind: "127.0.0.1:0", upstream: app }}
  half: {{ bind: "127.0.0.1:0", upstream: half }}
upstreams:
  app:
    endpoints:
      - {{ address: "{a.address}", weight: 3 }}
      - {{ address: "{b.address}", weight: 1 }}
      - {{ address: "{c.address}", weight: 0 }}
  half: ["127.0.0.1:{dead}", "{a.address}"]
"""

    def test_weights_are_shares(self):
        client = self.client()
        servers = [self.seen(client.get())["server"] for _ in range(40)]
        self.assertEqual({name: servers.count(name) for name in "abc"}, {"a": 30, "b": 10, "c": 0})

    def test_weighted_turns_are_spread_and_not_in_blocks(self):
        client = self.client()
        servers = "".join(self.seen(client.get())["server"] for _ in range(16))
        self.assertNotIn("bb", servers)
        self.assertNotIn("aaaa", servers.replace("b", "b"))

    def test_an_endpoint_that_refuses_is_passed_over(self):
        client = self.client("half")
        for _ in range(20):
            self.assertEqual(self.seen(client.get())["server"], "a")
        self.assertEqual(client.request("POST", body=b"x" * 1000).status, 200)


class KeepAlive(WeirCase):
    weir_options = {"workers": 1}

    @classmethod
    def configure(cls):
        cls.app = cls.upstream()
        return f"""
listeners:
  web: {{ bind: "127.0.0.1:0", upstream: app }}
upstreams:
  app: ["{cls.app.address}"]
"""

    def test_many_requests_share_one_connection_on_both_sides(self):
        before = len(self.app.connections)
        client = self.client()
        for number in range(50):
            self.assertEqual(self.seen(client.get(f"/{number}"))["target"], f"/{number}")
        self.assertLessEqual(len(self.app.connections) - before, 1)

    def test_pipelined_requests_are_answered_in_order(self):
        client = self.client()
        client.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: t\r\n\r\n" % n for n in range(20)))
        self.assertEqual([self.seen(client.response())["target"] for _ in range(20)], [f"/{n}" for n in range(20)])

    def test_requests_sent_ahead_beyond_a_buffer_are_all_answered(self):
        client = self.client()
        body = b"x" * 3000
        request = b"POST /%d HTTP/1.1\r\nHost: t\r\nContent-Length: 3000\r\n\r\n" + body
        sending = threading.Thread(target=client.send, args=(b"".join(request % n for n in range(60)),))
        sending.start()
        self.assertEqual([self.seen(client.response())["target"] for _ in range(60)], [f"/{n}" for n in range(60)])
        sending.join()

    def test_what_stands_behind_a_body_in_the_same_piece_is_answered(self):
        chunked = b"POST /chunked HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
        length = b"PUT /length HTTP/1.1\r\nHost: t\r\nContent-Length: %d\r\n\r\n%s"
        for size in (1, 1000, 50_000):
            with self.subTest(size=size):
                body = b"x" * size
                client = self.client()
                client.send(chunked % (size, body) + b"GET /last HTTP/1.1\r\nHost: t\r\n\r\n")
                client.send(length % (size, body) + b"GET /last HTTP/1.1\r\nHost: t\r\n\r\n")
                seen = [self.seen(client.response()) for _ in range(4)]
                self.assertEqual([(one["target"], one["body"]) for one in seen],
                                 [("/chunked", size), ("/last", 0), ("/length", size), ("/last", 0)])

    def test_connection_close_is_honoured(self):
        client = self.client()
        response = client.get(headers=[("Connection", "close")])
        self.assertEqual((response.status, response.get("Connection")), (200, "close"))
        self.assertTrue(client.ended())

    def test_http_1_0_is_closed_unless_it_asks_otherwise(self):
        client = self.client()
        client.send(b"GET /old HTTP/1.0\r\n\r\n")
        response = client.response()
        seen = self.seen(response)
        self.assertEqual((seen["target"], seen["version"]), ("/old", "HTTP/1.1"))
        self.assertTrue(client.ended())
        client = self.client()
        for _ in range(2):
            client.send(b"GET /old HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            response = client.response()
            self.assertEqual((response.status, response.get("Connection", "").lower()), (200, "keep-alive"))

    def test_an_upstream_that_closes_is_connected_anew(self):
        client = self.client()
        self.assertEqual(client.get().status, 200)
        for _ in range(5):
            self.app.close_connections()
            self.assertEqual(client.get().status, 200)
            self.assertEqual(client.request("POST", body=b"again").status, 200)

    def test_concurrent_clients_with_real_programs(self):
        h2load = need("h2load", "nghttp2-client")
        done = subprocess.run([h2load, "--h1", "-n", "2000", "-c", "20", self.weir.url("/load")], capture_output=True,
                              text=True, timeout=60)
        self.assertIn("2000 succeeded, 0 failed, 0 errored", done.stdout)

    def test_curl_gets_what_was_sent(self):
        curl = need("curl", "curl")
        done = subprocess.run([curl, "-sS", "-d", "@-", self.weir.url("/curl?x=1")], capture_output=True, timeout=60,
                              input=b"y" * 5000)
        self.assertEqual(json.loads(done.stdout)["body"], 5000, done.stderr)


class OneLiner(WeirCase):
    """`weir proxy` instead of a file."""

    @classmethod
    def setUpClass(cls):
        cls.apps = [cls.upstream(name=f"app{n}") for n in range(2)]
        ports = [app.address.rpartition(":")[2] for app in cls.apps]
        cls.weir = Weir(command=["proxy", "127.0.0.1:0", ports[0], f"http://localhost:{ports[1]}/", "--host", "inner.test"],
                        workers=1)
        cls.addClassCleanup(cls.weir.stop)

    def test_targets_take_turns_and_see_the_host_that_was_asked_for(self):
        client = self.client("proxy")
        responses = [client.get() for _ in range(4)]
        self.assertEqual(sorted(self.seen(r)["server"] for r in responses), ["app0", "app0", "app1", "app1"])
        self.assertEqual({tuple(self.fields(r, "host")) for r in responses}, {("inner.test",)})
        self.weir.log_lines(4)


if __name__ == "__main__":
    unittest.main()
