"""Counts system calls per keep-alive request; see socket-calls beside it."""
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
WEIR = os.environ.get("WEIR", str(TOP / "build" / "release" / "weir"))
CONNECTIONS = 32
BODY = b"x" * 1024
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n" + BODY
REQUEST = b"GET /1k HTTP/1.1\r\nHost: bench.test\r\n\r\n"


def read_to(sock, size_behind_head):
    data = b""
    while b"\r\n\r\n" not in data or len(data) < data.index(b"\r\n\r\n") + 4 + size_behind_head:
        part = sock.recv(65536)
        if not part:
            return None
        data += part
    return data


def upstream(listener):
    def serve(sock):
        with sock:
            try:
                while read_to(sock, 0):
                    sock.sendall(RESPONSE)
            except OSError:
                pass
    while True:
        try:
            sock, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=serve, args=(sock,), daemon=True).start()


def drive(port, requests):
    """CONNECTIONS clients with one request in flight each, until `requests` are answered."""
    socks = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS)]
    for _ in range(requests // CONNECTIONS):
        for sock in socks:
            sock.sendall(REQUEST)
        for sock in socks:
            if read_to(sock, len(BODY)) is None:
                raise OSError("the proxy closed a connection")
    for sock in socks:
        sock.close()


def measure(backend, requests):
    with socket.create_server(("127.0.0.1", 0)) as listener, tempfile.TemporaryDirectory() as folder:
        threading.Thread(target=upstream, args=(listener,), daemon=True).start()
        config = pathlib.Path(folder) / "weir.yaml"
        config.write_text(f"""
runtime: {{ workers: 1, backend: {backend}, shutdown: {{ timeout: 1s, idle: 0s }} }}
listeners: {{ front: {{ bind: "127.0.0.1:0", upstream: origin }} }}
upstreams: {{ origin: {{ endpoints: ["127.0.0.1:{listener.getsockname()[1]}"], max_idle: 1024 }} }}
""")
        weir = subprocess.Popen([WEIR, "run", config, "--print-addresses"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            port = int(re.search(r"127\.0\.0\.1:(\d+)", weir.stdout.readline()).group(1))
            drive(port, 20 * CONNECTIONS)  # connections to the upstream are in the pool from here on
            table = pathlib.Path(folder) / "strace"
            with subprocess.Popen(["strace", "-c", "-f", "-o", table, "-p", str(weir.pid)], stderr=subprocess.PIPE, text=True) as strace:
                strace.stderr.readline()  # "Process N attached"
                drive(port, requests)
                strace.send_signal(signal.SIGINT)
                strace.communicate()
            return {m[2]: int(m[1]) for m in re.finditer(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", table.read_text(), re.M)
                    if m[2] != "total"}
        finally:
            weir.terminate()
            weir.wait()


def main():
    requests = int(sys.argv[1])
    done = requests // CONNECTIONS * CONNECTIONS
    for backend in os.environ.get("WEIR_BACKEND", "epoll poll select").split():
        calls = measure(backend, requests)
        waits = sum(n for name, n in calls.items() if name in ("epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll", "select", "pselect6"))
        transfers = sum(n for name, n in calls.items() if name in ("recvfrom", "recvmsg", "sendto", "sendmsg", "read", "write", "readv", "writev"))
        rest = {name: n for name, n in calls.items() if n * 100 > done}
        print(f"{backend:8} {done} requests: {transfers / done:.3f} transfers, {waits / done:.3f} waits a request; "
              + ", ".join(f"{name} {n / done:.3f}" for name, n in sorted(rest.items(), key=lambda x: -x[1])), flush=True)


if __name__ == "__main__":
    main()
