"""Logins that belong to a connection: NTLM and Negotiate through a pool that is shared."""
import threading
import unittest

from harness import WeirCase


class ConnectionLogins(WeirCase):
    """An upstream that takes a connection for logged in after NTLM, as IIS does, and tells who it believes asks."""

    @classmethod
    def configure(cls):
        lock = threading.Lock()

        def script(connection):
            with lock:
                cls.opened += 1
                number = cls.opened
            user = "nobody"
            while True:
                request = connection.request()
                sent = request.get("Authorization") or ""
                if sent.startswith(("NTLM hello", "Negotiate hello")):
                    scheme = sent.split()[0]
                    connection.respond(401, b"", [("WWW-Authenticate", f"{scheme} challenge")], "Unauthorized")
                    continue
                if sent.startswith(("NTLM ", "Negotiate ")):
                    user = sent.split()[1]
                elif user == "nobody" and request.target == "/private":
                    connection.respond(401, b"", [("WWW-Authenticate", 'Basic realm="a"'), ("WWW-Authenticate", "Digest, NTLM")],
                                       "Unauthorized")
                    continue
                connection.respond(body=f"{user} {number}".encode())

        cls.opened = 0
        cls.app = cls.upstream(script)
        return f"""
listeners: {{ web: {{ bind: "127.0.0.1:0", upstream: app }} }}
upstreams: {{ app: ["{cls.app.address}"] }}
"""

    def log_in(self, client, user, scheme="NTLM"):
        self.assertEqual(client.get("/private").status, 401)
        self.assertEqual(client.get("/private", [("Authorization", f"{scheme} hello")]).status, 401)
        answer = client.get("/private", [("Authorization", f"{scheme} {user}")])
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.body.split()[0], user.encode())
        return answer.body

    def test_nobody_is_taken_for_another(self):
        for scheme in ("NTLM", "Negotiate"):
            ann, bob, guest = self.client(), self.client(), self.client()
            as_ann = self.log_in(ann, "ann", scheme)
            as_bob = self.log_in(bob, "bob", scheme)
            for _ in range(5):
                self.assertEqual(ann.get("/").body, as_ann)
                self.assertEqual(bob.get("/private").body, as_bob)
                self.assertEqual(guest.get("/").body.split()[0], b"nobody")
                self.assertEqual(guest.get("/private").status, 401)
            ann.close()
            for _ in range(5):
                newcomer = self.client()
                self.assertEqual(newcomer.get("/").body.split()[0], b"nobody")
                newcomer.close()
            bob.close()
            guest.close()

    def test_a_server_that_ends_a_login_asks_for_it_again(self):
        client = self.client()
        self.log_in(client, "ann")
        self.app.close_connections()
        self.log_in(client, "ann")


if __name__ == "__main__":
    unittest.main()
