"""Starts the real weir binary and talks to it: scripted raw clients, scripted upstream servers, process facts.

Nothing here sleeps to let something happen: waits are for a condition, with a limit that only a failure reaches.
"""
import contextlib
import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

WEIR = os.environ.get("WEIR", "weir")
# The program that starts weir. With wine, weir is one for Windows: it takes no signals and inherits no descriptors.
UNDER = [word for word in [os.environ.get("WEIR_TEST_UNDER")] if word]
TEST_CHILD = os.environ.get("WEIR_TEST_CHILD", "")  # tests/support/child.cpp: what scripts start
WINE_GAPS = pathlib.Path(__file__).resolve().parent.parent / "support" / "wine_gaps.txt"
BACKEND = os.environ.get("WEIR_TEST_BACKEND", "auto")
LIBKQUEUE = BACKEND == "kqueue" and sys.platform == "linux"  # stands in for a kernel's there
LIBKQUEUE_GAPS = pathlib.Path(__file__).resolve().parent.parent / "conformance" / "libkqueue_gaps.hpp"
WORKERS = int(os.environ.get("WEIR_TEST_WORKERS", "1"))
SANITIZED = os.environ.get("WEIR_TEST_SANITIZED", "") == "1"
LIMIT = float(os.environ.get("WEIR_TEST_LIMIT", "60" if SANITIZED else "20"))  # seconds until a wait has failed


def wait_until(condition, what, limit=None):
    """Polls a condition that only another process can change."""
    end = time.monotonic() + (limit or LIMIT)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain: {what() if callable(what) else what}")
        time.sleep(0.005)


def native(path):
    """A file as the system of weir names it."""
    return "Z:" + str(path).replace("/", "\\") if UNDER else str(path)


def parse_address(text):
    """'127.0.0.1:80', '[::1]:80' or 'unix:/path' as (family, what connect() takes)."""
    if text.startswith("unix:"):
        return socket.AF_UNIX, text[5:]
    host, _, port = text.rpartition(":")
    if host.startswith("["):
        return socket.AF_INET6, (host[1:-1], int(port))
    return socket.AF_INET, ("127.0.0.1" if host in ("", "0.0.0.0") else host, int(port))


# ---------------------------------------------------------------------------------------------------------- messages

class Response:
    def __init__(self, version, status, reason, headers):
        self.version, self.status, self.reason, self.headers = version, status, reason, headers
        self.body = b""
        self.trailers = []
        self.interim = []

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name, default=None):
        found = self.all(name)
        return found[0] if found else default

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:200]!r}>"


class Request:
    def __init__(self, method, target, version, headers, raw_head):
        self.method, self.target, self.version, self.headers, self.raw_head = method, target, version, headers, raw_head
        self.body = b""
        self.trailers = []

    all = Response.all
    get = Response.get


class Closed(Exception):
    """The peer ended the stream where more was needed."""


class Stream:
    """A blocking socket with a read buffer; every byte received is kept in `received`."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(LIMIT)
        self.buffer = b""
        self.received = bytearray()
        self.keep = True

    def send(self, data):
        self.sock.sendall(data)

    def fill(self):
        try:
            data = self.sock.recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            return False
        if self.keep:
            self.received += data
        self.buffer += data
        return True

    def until(self, mark):
        while mark not in self.buffer:
            if not self.fill():
                raise Closed(self.buffer)
        at = self.buffer.index(mark) + len(mark)
        out, self.buffer = self.buffer[:at], self.buffer[at:]
        return out

    def exactly(self, count):
        while len(self.buffer) < count:
            if not self.fill():
                raise Closed(self.buffer)
        out, self.buffer = self.buffer[:count], self.buffer[count:]
        return out

    def rest(self):
        while self.fill():
            pass
        out, self.buffer = self.buffer, b""
        return out

    def ended(self):
        """True when the peer closes without sending anything more."""
        return self.rest() == b""

    def chunked(self):
        body, trailers = b"", []
        while True:
            size = int(self.until(b"\r\n").split(b";")[0], 16)
            if size == 0:
                break
            body += self.exactly(size)
            assert self.exactly(2) == b"\r\n"
        while (line := self.until(b"\r\n")) != b"\r\n":
            name, _, value = line[:-2].decode("latin-1").partition(":")
            trailers.append((name, value.strip()))
        return body, trailers

    def close(self):
        with contextlib.suppress(OSError):
            self.sock.close()

    def reset(self):
        """Closes with a reset instead of an end of stream."""
        with contextlib.suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def split_head(raw):
    lines = raw.decode("latin-1").split("\r\n")
    headers = []
    for line in lines[1:]:
        if line:
            name, _, value = line.partition(":")
            headers.append((name, value.strip()))
    return lines[0], headers


class Client(Stream):
    def __init__(self, address, receive_buffer=None):
        family, where = parse_address(address)
        sock = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(LIMIT)
        sock.connect(where)
        if family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().__init__(sock)

    def head(self):
        start, headers = split_head(self.until(b"\r\n\r\n"))
        version, status, reason = (start.split(" ", 2) + [""])[:3]
        return Response(version, int(status), reason, headers)

    def response(self, method="GET"):
        """The final response to a request of that method, with what came before it in `interim`."""
        interim = []
        while True:
            response = self.head()
            if response.status >= 200 or response.status == 101:
                break
            interim.append(response)
        response.interim = interim
        if method == "HEAD" or response.status in (101, 204, 304) or (method == "CONNECT" and response.status < 300):
            return response
        if "chunked" in (response.get("Transfer-Encoding") or "").lower():
            response.body, response.trailers = self.chunked()
        elif response.get("Content-Length") is not None:
            response.body = self.exactly(int(response.get("Content-Length")))
        else:
            response.body = self.rest()
        return response

    def get(self, target="/", headers=(), host="test"):
        return self.request("GET", target, headers=headers, host=host)

    def request(self, method, target="/", headers=(), body=None, host="test"):
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"] + [f"{k}: {v}" for k, v in headers]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b""))
        return self.response(method)


# ---------------------------------------------------------------------------------------------------------- upstream

class Connection(Stream):
    """One connection that weir made to a scripted upstream."""

    def __init__(self, sock, server):
        super().__init__(sock)
        self.server = server

    def head(self):
        raw = self.until(b"\r\n\r\n")
        start, headers = split_head(raw)
        method, target, version = start.split(" ")
        return Request(method, target, version, headers, raw)

    def body_of(self, request):
        if "chunked" in (request.get("Transfer-Encoding") or "").lower():
            request.body, request.trailers = self.chunked()
        elif request.get("Content-Length") is not None:
            request.body = self.exactly(int(request.get("Content-Length")))
        return request

    def request(self):
        return self.body_of(self.head())

    def respond(self, status=200, body=b"", headers=(), reason="OK"):
        lines = [f"HTTP/1.1 {status} {reason}"] + [f"{k}: {v}" for k, v in headers]
        lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)


def describe(request, server):
    return json.dumps({"server": server.name, "method": request.method, "target": request.target,
                       "version": request.version, "headers": request.headers, "trailers": request.trailers,
                       "body": len(request.body)}).encode()


def echo(connection):
    """Answers every request with a description of it, and keeps the connection."""
    while True:
        request = connection.request()
        connection.server.requests.append(request)
        body = describe(request, connection.server)
        if request.method == "HEAD":
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
        else:
            connection.respond(body=body, headers=[("Content-Type", "application/json")])


class Upstream:
    """A server on a port of its own; each connection runs `script(connection)` in a thread and is then closed."""

    def __init__(self, script=echo, name="upstream", family="ipv4", path=None, backlog=512, host="127.0.0.1"):
        self.script, self.name = script, name
        self.requests, self.connections, self.errors = [], [], []
        self.lock = threading.Lock()
        if path:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(path)
            self.address = f"unix:{path}"
        elif family == "ipv6":
            self.listener = socket.socket(socket.AF_INET6)
            self.listener.bind(("::1", 0))
            self.address = f"[::1]:{self.listener.getsockname()[1]}"
        else:
            self.listener = socket.socket()
            self.listener.bind((host, 0))
            self.address = f"{host}:{self.listener.getsockname()[1]}"
        self.listener.listen(backlog)
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            connection = Connection(sock, self)
            with self.lock:
                self.connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            self.script(connection)
        except (Closed, OSError, ValueError):
            pass
        except Exception as error:  # what a script asserts
            self.errors.append(error)
        finally:
            connection.close()

    def mark(self):
        """Now, for received()."""
        with self.lock:
            return [len(connection.received) for connection in self.connections]

    def received(self, since=()):
        """Every byte that came since a mark, connection by connection."""
        with self.lock:
            return b"".join(bytes(connection.received[since[n] if n < len(since) else 0:])
                            for n, connection in enumerate(self.connections))

    def close_connections(self):
        with self.lock:
            for connection in self.connections:
                with contextlib.suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RDWR)

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.close_connections()
        if self.errors:
            raise self.errors[0]


REFUSING = []  # for as long as this process runs


def unused_port():
    """A port without a listener; a socket of ours holds it. A test may listen there by SO_REUSEADDR."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", 0))
    REFUSING.append(sock)
    return sock.getsockname()[1]


# -------------------------------------------------------------------------------------------------------------- weir

class Weir:
    """The binary with a configuration, until stop()."""

    def __init__(self, config=None, command=None, backend=BACKEND, workers=WORKERS, descriptors=None, env=None,
                 under=()):
        self.dir = tempfile.mkdtemp(prefix="weir-test-")
        if command is None:
            with open(f"{self.dir}/weir.yaml", "w") as file:
                file.write(config)
            command = ["run", f"{self.dir}/weir.yaml"]
        command = [*UNDER, WEIR, *command, "--backend", backend, "--workers", str(workers)]
        if descriptors:
            command = ["prlimit", f"--nofile={descriptors}:{descriptors}", *command]
        command = [*under, *command]
        self.out, self.err = open(f"{self.dir}/out", "w+b"), open(f"{self.dir}/err", "w+b")
        options = {"stdin": subprocess.DEVNULL, "stdout": self.out, "stderr": self.err, "cwd": self.dir,
                   "env": {**os.environ, "RUNTIME_DIRECTORY": self.dir, **(env or {})}}
        line = self._start_windows(command, options) if UNDER else self._start(command, options)
        if not line.endswith(b"\n"):
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"weir did not become ready:\n{self.stderr()}")
        self.info = json.loads(line)
        self.pid = self.process.pid
        # Not connected yet: its listeners, and what a library has. Wine's come later: see wait_for_no_connection.
        self.sockets_at_start = None if UNDER else self.sockets()

    def _start_windows(self, command, options):
        """The addresses are the first line on standard output."""
        self.process = subprocess.Popen([*command, "--print-addresses"], **options)
        path = pathlib.Path(self.dir, "out")
        wait_until(lambda: b"\n" in path.read_bytes() or self.process.poll() is not None,
                   lambda: f"an address in {self._text('out')!r} and {self.stderr()!r}")
        return path.read_bytes().partition(b"\n")[0] + b"\n" if b"\n" in path.read_bytes() else b""

    def _start(self, command, options):
        ready, give = os.pipe()
        self.process = subprocess.Popen([*command, "--ready-fd", str(give)], pass_fds=[give], **options)
        os.close(give)
        line = b""
        waiting = select.poll()  # select() takes no descriptor beyond 1023, and some tests hold that many
        waiting.register(ready, select.POLLIN)
        while not line.endswith(b"\n"):
            if not waiting.poll(LIMIT * 1000):
                break
            data = os.read(ready, 65536)
            if not data:
                break
            line += data
        os.close(ready)
        return line

    def addresses(self, listener):
        return self.info["listeners"][listener]

    def address(self, listener="web", index=0):
        return self.addresses(listener)[index]

    def client(self, listener="web", index=0, **options):
        return Client(self.address(listener, index), **options)

    def url(self, target="/", listener="web", index=0):
        return f"http://{self.address(listener, index).replace('0.0.0.0', '127.0.0.1')}{target}"

    def _text(self, name):
        with open(f"{self.dir}/{name}", "rb") as file:
            return file.read().decode("utf-8", "replace")

    def stdout(self):
        text = self._text("out")
        return text.partition("\n")[2] if UNDER else text

    def stderr(self):
        return self._text("err")

    def lines(self):
        """The complete lines on standard output so far."""
        return self.stdout().split("\n")[:-1]

    def log_lines(self, count):
        """The first `count` lines or more of the access log on standard output."""
        return wait_until(lambda: (lines := self.lines())[count - 1:] and lines,
                          lambda: f"{count} log lines in {self.stdout()!r}")

    def descriptors(self):
        """Of a process of wine's: those of the handles that were used, each gone when its handle is closed, and its own."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def sockets(self):
        found = 0
        for name in os.listdir(f"/proc/{self.pid}/fd"):
            with contextlib.suppress(OSError):
                found += os.readlink(f"/proc/{self.pid}/fd/{name}").startswith("socket:")
        return found

    def wait_for_no_connection(self):
        """Until weir has no more sockets than it began with; under wine, which has its own, than when this was asked first."""
        if self.sockets_at_start is None:
            self.sockets_at_start = self.sockets()
        wait_until(lambda: self.sockets() <= self.sockets_at_start,
                   lambda: f"{self.sockets()} sockets to be {self.sockets_at_start}")

    def memory(self, field="VmRSS"):
        """Bytes, by /proc/PID/status."""
        with open(f"/proc/{self.pid}/status") as file:
            return int(re.search(rf"^{field}:\s+(\d+) kB", file.read(), re.M)[1]) * 1024

    def signal(self, number):
        if UNDER:
            ask_windows(self.info["pid"], number)
        else:
            self.process.send_signal(number)

    def wait(self, limit=None):
        try:
            return self.process.wait(limit or LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"weir did not end:\n{self.stderr()}") from None

    def stop(self, expect=0):
        """TERM, and the end that is expected; nothing that looks like a defect was written."""
        if self.out.closed:
            return
        try:
            if self.process.poll() is None:
                self.signal(signal.SIGTERM)
            code = self.wait()
            text = self.stderr()
            if code != expect or any(word in text for word in ("assert", "Sanitizer", "runtime error", "leaked")):
                raise AssertionError(f"weir ended with {code}, expected {expect}:\n{text}")
        finally:
            self.out.close()
            self.err.close()
            shutil.rmtree(self.dir, ignore_errors=True)


class Load:
    """Clients that ask one request after the other until the block ends; what went wrong is in `problems`."""

    def __init__(self, weir, kept=0, fresh=0):
        """`kept`: clients that keep their connection, which no answer may end; `fresh`: with a new one for each request."""
        self.weir, self.problems, self.counts, self.stop = weir, [], [], threading.Event()
        kinds = [False] * kept + [True] * fresh
        self.threads = [threading.Thread(target=self._run, args=(kind,)) for kind in kinds]

    def _run(self, fresh):
        count, client = 0, None
        try:
            while not self.stop.is_set():
                client = client or self.weir.client()
                response = client.get()
                count += 1
                if response.status != 200 or response.get("Connection") and not fresh:
                    self.problems.append(repr(response))
                if fresh:
                    client.close()
                    client = None
        except (Closed, OSError) as error:
            self.problems.append(repr(error))
        if client:
            client.close()
        self.counts.append(count)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()


def run_command(*arguments, cwd=None, input=None, limit=None, env=None, under=()):
    """A command that ends by itself."""
    return subprocess.run([*under, *UNDER, WEIR, *arguments], capture_output=True, text=True, cwd=cwd, input=input,
                          timeout=limit or LIMIT, env={**os.environ, **(env or {})})


def ask_windows(process, number):
    """What a signal would ask for, as docs/windows.md lists them."""
    words = {signal.SIGTERM: ["stop"], signal.SIGINT: ["stop"], signal.SIGQUIT: ["stop", "--now"],
             signal.SIGUSR1: ["reopen-logs"]}[number]
    done = run_command(*words, "--pid", str(process))
    if done.returncode:
        raise AssertionError(f"weir {' '.join(words)} ended with {done.returncode}: {done.stderr}")


def unless(rule):
    """Leaves a test out where a row of the restriction table (core/reactor/restrictions.cpp) forbids what it needs."""
    holds = UNDER and rule.startswith("windows-") and (BACKEND == "select" or not rule.startswith("windows-select-"))
    return unittest.skipIf(holds, f"restriction {rule}")


def restricted_by(rule):
    """Leaves a test of a restriction out where its row of the table does not hold."""
    return unittest.skipIf(UNDER and rule.startswith("posix-"), f"restriction {rule} does not hold on Windows")


def wine_gap(name):
    """Leaves a test out where wine is known to differ from Windows: name is that of a line of the file of gaps."""
    line = next(line for line in WINE_GAPS.read_text().splitlines() if line.startswith(f"{name} | "))
    return unittest.skipIf(UNDER, f"wine gap {line}")


def libkqueue_gap(why):
    """Leaves a test out for an error of libkqueue that the list of them gives as the reason for a conformance test."""
    assert f'"{why}"' in LIBKQUEUE_GAPS.read_text(), why
    return unittest.skipIf(LIBKQUEUE, f"libkqueue gap: {why}")


def need(program, package):
    """Skips where a program is not installed, except in CI."""
    path = shutil.which(program)
    if path is None:
        skip(f"{program} is not installed (package {package})")
    return path


def need_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError as error:
        skip(f"no IPv6 loopback: {error}")


def skip(reason):
    """In CI nothing is skipped."""
    if os.environ.get("CI"):
        raise AssertionError(reason)
    raise unittest.SkipTest(reason)


class WeirCase(unittest.TestCase):
    """One weir process for the class. `configure` starts upstreams (cls.upstream) and returns the configuration."""

    weir_options = {}

    @classmethod
    def upstream(cls, script=echo, **options):
        server = Upstream(script, **options)
        cls.addClassCleanup(server.close)
        return server

    @classmethod
    def configure(cls):
        raise NotImplementedError

    @classmethod
    def setUpClass(cls):
        cls.weir = Weir(cls.configure(), **cls.weir_options)
        cls.addClassCleanup(cls.weir.stop)  # before the upstreams: last in, first out

    def client(self, listener="web", index=0, **options):
        client = self.weir.client(listener, index, **options)
        self.addCleanup(client.close)
        return client

    def start(self, config=None, **options):
        weir = Weir(config, **options)
        self.addCleanup(weir.stop)
        return weir

    def seen(self, response):
        """What the echo upstream says it got."""
        self.assertEqual(response.status, 200, response)
        return json.loads(response.body)

    def fields(self, response, name):
        return [value for key, value in self.seen(response)["headers"] if key.lower() == name.lower()]
