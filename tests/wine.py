"""A wine of the tests' own: a prefix beneath the build directory and one server from start to end, so that starting a
program costs little and services would live on.

    with wine.Session(folder) as environment: ...      WINEPREFIX and the rest for whatever is started meanwhile

Only what is started here is ended here, by its process number.
"""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import time


class Session:
    def __init__(self, folder):
        self.prefix = pathlib.Path(folder).resolve() / "wine-prefix"
        # No debugger, no crash dialogues, no offer to install a browser engine or .NET; names of files are UTF-8.
        self.environment = {"WINEPREFIX": str(self.prefix), "WINEDEBUG": "-all", "LC_ALL": "C.UTF-8",
                            "WINEDLLOVERRIDES": "mscoree,mshtml,winemenubuilder.exe,winedbg.exe="}

    def __enter__(self):
        self.prefix.parent.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, **self.environment}
        environment.pop("DISPLAY", None)
        made = self.prefix / "complete"
        if not made.exists():
            shutil.rmtree(self.prefix, ignore_errors=True)
            self.prefix.mkdir()
            self.make(environment)
            made.touch()
        # In the foreground, so that it is our own process, and for as long as we want.
        self.server = subprocess.Popen(["wineserver", "-f", "-p"], env=environment, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait_for_server()
        self.keeper = self.keep_running(environment)
        return self.environment

    def make(self, environment):
        """By a server of its own that ends afterwards: wine's own programs would go on beside those of the session."""
        for argv in (["wine", "wineboot", "--init"], ["wineserver", "-k"], ["wineserver", "-w"]):
            subprocess.run(argv, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, timeout=300, check=argv[0] == "wine")

    def keep_running(self, environment):
        """A program that waits for its input until the end. wine's own programs, the service manager among them, start with
        the first program and end with the last one: two that start at once would each have a service manager, and what
        one of them installs the other does not know."""
        keeper = subprocess.Popen(["wine", "cmd", "/c", "echo ready & set /p end="], env=environment, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        keeper.stdout.readline()
        return keeper

    def wait_for_server(self):
        """A program that finds none starts one of its own, and ours would end: nothing would keep services alive."""
        end = time.monotonic() + 60
        while time.monotonic() < end and self.server.poll() is None:
            with contextlib.suppress(OSError):
                place = self.prefix.stat()
                folder = f"server-{place.st_dev:x}-{place.st_ino:x}"
                if any(pathlib.Path("/tmp").glob(f"*wine-*/{folder}/socket")):  # wine's own choice, or Debian's
                    return
            time.sleep(0.05)
        raise RuntimeError(f"no wineserver for {self.prefix}: another one has that folder, or it did not start")

    def __exit__(self, *_):
        self.keeper.stdin.close()
        self.keeper.stdout.close()
        self.keeper.wait(60)
        self.server.send_signal(signal.SIGTERM)  # ends the programs that still run, then itself
        try:
            self.server.wait(20)
        except subprocess.TimeoutExpired:
            self.server.kill()
            self.server.wait()
        for process in self.left_over():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def left_over(self):
        """Programs of this prefix, wine's own among them, that have outlived their server: they wait for it for ever."""
        mark = f"WINEPREFIX={self.prefix}".encode()
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*/environ"):
            try:
                if mark in path.read_bytes().split(b"\0") and int(path.parent.name) != os.getpid():
                    found.append(int(path.parent.name))
            except OSError:  # another user's, or just gone
                continue
        return found
