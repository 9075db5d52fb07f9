"""A wine of the tests' own: a prefix beneath the build directory and one server from start to end, so that starting a
program costs little and services would live on.

    with wine.Session(folder) as environment: ...      WINEPREFIX and the rest for whatever is started meanwhile

Only what is started here is ended here, by its process number.
"""
import os
import pathlib
import shutil
import signal
import subprocess


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
        # In the foreground, so that it is our own process, and for as long as we want.
        self.server = subprocess.Popen(["wineserver", "-f", "-p"], env=environment, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if not made.exists():
            subprocess.run(["wine", "wineboot", "--init"], env=environment, stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300, check=True)
            made.touch()
        return self.environment

    def __exit__(self, *_):
        self.server.send_signal(signal.SIGTERM)  # ends the programs that still run, then itself
        try:
            self.server.wait(20)
        except subprocess.TimeoutExpired:
            self.server.kill()
            self.server.wait()
