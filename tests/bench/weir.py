"""weir, as a plugin of the benchmark driver (run.py --plugin weir=tests/bench/weir.py). WEIR names another binary.
The event mechanism is in the name under which it is measured, so that several are compared in one run:
    run.py --peers weir-epoll --plugin weir-epoll=tests/bench/weir.py --plugin weir-io_uring=tests/bench/weir.py"""
import os
import pathlib
import signal
import subprocess

# The other peers add no forwarding fields in this benchmark, so weir leaves its own out; WEIR_FORWARDING=1 keeps them.
BACKEND = __name__.rpartition(".")[2].partition("-")[2] or "auto"
FORWARDING = os.environ.get("WEIR_FORWARDING") == "1"
NOTE = ("bodies are streamed, 32 KiB buffers; event mechanism " + BACKEND +
        ("; X-Forwarded-*, Forwarded, Via and X-Request-ID added" if FORWARDING else "; no forwarding fields added"))

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BINARY = pathlib.Path(os.environ.get("WEIR", TOP / "build" / "release" / "weir"))


def missing():
    return None if os.access(BINARY, os.X_OK) else f"{BINARY} is not built (make build)"


def version():
    return subprocess.run([BINARY, "version"], capture_output=True, text=True).stdout.strip().removeprefix("weir ")


def supports(spec):
    if spec.mode != "http":
        return "weir has no TCP mode yet"
    if spec.tls or spec.h2:
        return "weir has no TLS yet"
    return None


def write(spec):
    lines = [
        "runtime:",
        f"  workers: {spec.threads}",
        f"  backend: {BACKEND}",
        "timeouts: { head: 600s, keep_alive: 600s, connect: 5s, first_byte: 600s, idle: 600s }",
        *([] if FORWARDING else ["forwarding: { x_forwarded: false, forwarded: false, via: false, request_id: false }"]),
        "upstreams:",
        f"  origin: {{ endpoints: [\"127.0.0.1:{spec.upstream}\"], max_idle: 8192, idle_timeout: 600s }}",
        "listeners:",
        f"  front: {{ bind: \"127.0.0.1:{spec.port}\"" + ("" if spec.hosts else ", upstream: origin") + " }",
    ]
    if spec.hosts:
        lines.append("routes:")
        lines += [f"  - {{ host: h{i}.bench.test, upstream: origin }}" for i in range(spec.hosts)]
    (spec.dir / "weir.yaml").write_text("\n".join(lines) + "\n")
    return [BINARY, "run", spec.dir / "weir.yaml"], {}


def reload(spec, pid):
    os.kill(pid, signal.SIGHUP)
