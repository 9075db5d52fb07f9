"""How paths are brought into one form: what is matched is what is forwarded."""
import unittest

from harness import WeirCase


class Paths(WeirCase):
    @classmethod
    def configure(cls):
        app = cls.upstream(name="app")
        return f"""
listeners: {{ web: {{ bind: "127.0.0.1:0" }} }}
upstreams: {{ app: ["{app.address}"] }}
routes:
  - {{ path: /admin, respond: {{ status: 403, body: closed }} }}
  - {{ path: /s3, upstream: app, paths: {{ merge_slashes: false }} }}
  - {{ path: /npm, upstream: app, rewrite: {{ prefix: / }}, paths: {{ encoded_slashes: keep }} }}
  - {{ path: /api/queues, upstream: app, paths: {{ encoded_slashes: keep }} }}
  - {{ path: /both, upstream: app, paths: {{ encoded_slashes: keep, merge_slashes: false }} }}
  - {{ upstream: app }}
"""

    def target_of(self, path, method="GET"):
        response = self.client().request(method, path)
        self.assertEqual(response.status, 200, path)
        return self.seen(response)["target"]

    def status_of(self, path):
        return self.client().get(path).status

    def test_no_spelling_of_a_path_gets_past_its_route(self):
        for path in ("/admin", "//admin", "///admin", "/x/..//admin", "/s3/..//admin", "//s3/../admin", "/%61dmin",
                     "/./admin/x", "//admin//x"):
            self.assertEqual(self.status_of(path), 403, path)
        self.assertEqual(self.target_of("/both//..//../admin"), "/both/admin")  # empty segments count there

    def test_repeated_slashes_are_merged_where_nobody_keeps_them(self):
        self.assertEqual(self.target_of("//a///b//?q=//"), "/a/b/?q=//")

    def test_an_object_store_gets_its_empty_segments(self):
        self.assertEqual(self.target_of("/s3//a///b"), "/s3//a///b")
        self.assertEqual(self.target_of("/s3/a"), "/s3/a")
        self.assertEqual(self.status_of("/s3/a%2Fb"), 400)

    def test_encoded_slashes_stay_in_their_segment_where_a_route_keeps_them(self):
        self.assertEqual(self.target_of("/npm/@scope%2fpkg", "PUT"), "/@scope%2Fpkg")
        self.assertEqual(self.target_of("/api/queues/%2F"), "/api/queues/%2F")
        self.assertEqual(self.target_of("/both//a%2Fb"), "/both//a%2Fb")
        self.assertEqual(self.target_of("/npm//x%2Fy"), "/x%2Fy")

    def test_encoded_slashes_are_refused_elsewhere(self):
        for path in ("/a%2Fb", "/admin%2Fx", "/%2Fadmin", "/npm/..%2Fadmin", "/npm/%2E%2E%2Fadmin", "/s3/%2f"):
            self.assertEqual(self.status_of(path), 400, path)


class LongPaths(WeirCase):
    @classmethod
    def configure(cls):
        app = cls.upstream(name="app")
        return f"""
listeners: {{ web: {{ bind: "127.0.0.1:0" }} }}
upstreams: {{ app: ["{app.address}"] }}
paths: {{ encoded_slashes: keep }}
routes:
  - {{ path: /s3, upstream: app, paths: {{ merge_slashes: false }} }}
  - {{ path: /plain, upstream: app, paths: {{ encoded_slashes: refuse }} }}
  - {{ path: /kept, upstream: app }}
"""

    def test_a_long_path_is_normalised_by_its_route_s_rules(self):
        long = "a" * 3000
        for given, forwarded in ((f"/s3//{long}", f"/s3//{long}"), (f"/kept//{long}", f"/kept/{long}"),
                                 (f"/s3//{long}/%41", f"/s3//{long}/A"), (f"/plain//{long}?x", f"/plain/{long}?x")):
            response = self.client().get(given)
            self.assertEqual(self.seen(response)["target"], forwarded)

    def test_the_rules_of_the_route_decide_what_is_refused(self):
        self.assertEqual(self.client().get("/plain/%2F").status, 400)
        self.assertEqual(self.client().get("/kept/%2F").status, 200)
        self.assertEqual(self.client().get("/nothing/%2F").status, 404)


if __name__ == "__main__":
    unittest.main()
