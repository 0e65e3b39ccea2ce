"""MLflow's servers, and the database behind one, as processes of their own, for tests over sockets."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
    return port


def wait_for(url: str, process: subprocess.Popen[bytes], seconds: float = 180) -> None:
    """Wait until a server answers; fail at once if its process has ended."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server of {url} ended with {process.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.3)
    raise TimeoutError(f"{url} did not answer within {seconds:.0f} s")


class TrackingServer:
    """`mlflow server`, which can be killed and started again at the same place.

    Args:
        folder: gets its log and its artifacts.
        store: URI of the database.
    """

    def __init__(self, folder: Path, store: str) -> None:
        self.folder, self.store, self.port = folder, store, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes]

    def start(self) -> None:
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--backend-store-uri", self.store, "--workers", "1"]
        command += ["--artifacts-destination", str(self.folder / "artifacts")]
        with (self.folder / "server.log").open("a") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, stdout=log, stderr=log, start_new_session=True
            )
        wait_for(f"{self.url}/health", self.process)

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Postgres:
    """A PostgreSQL of Debian's package on loopback, with a new data folder and a database `mlflow`.

    Args:
        folder: an empty one, of a short path, as that of its socket may have 107 characters; where root runs
            the tests it must be one that the package's own user can get into, since no database server runs
            as root.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.uri = f"postgresql+psycopg2://mlflow@127.0.0.1:{self.port}/mlflow"
        self.user = "postgres" if os.getuid() == 0 else None
        self.process: subprocess.Popen[bytes]

    @staticmethod
    def programs() -> Path | None:
        """Return the folder of its programs, which Debian keeps out of PATH; None if it is not installed."""
        found = [Path(path).resolve() for path in [shutil.which("initdb")] if path]
        found += sorted(
            Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3])
        )
        return found[-1].parent if found else None

    def start(self) -> None:
        programs = self.programs()
        assert programs
        if self.user:
            account = pwd.getpwnam(self.user)
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        data = self.folder / "data"
        # Nothing is kept of it after the test, so it need not wait for the disk.
        self._run(programs / "initdb", "-D", data, "-A", "trust", "-U", "mlflow", "-E", "UTF8", "--no-sync")
        settings = ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
        settings += ["-c", f"unix_socket_directories={self.folder}"]
        self.process = subprocess.Popen(
            [programs / "postgres", "-D", data, "-p", str(self.port), *settings],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
            user=self.user,
            group=self.user,
            extra_groups=[] if self.user else None,
        )
        place = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "mlflow"]
        self._run(programs / "pg_isready", *place, "-t", "60", tries=100)
        self._run(programs / "createdb", *place, "mlflow")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGQUIT)  # at once: there is nothing to save
        self.process.wait(60)

    def _run(self, *command: str | Path, tries: int = 1) -> None:
        for _ in range(tries):
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                cwd=self.folder,
                user=self.user,
                group=self.user,
                extra_groups=[] if self.user else None,
                check=False,
            )
            if done.returncode == 0:
                return
            time.sleep(0.2)
        raise RuntimeError(f"{command[0]}: {done.stdout}{done.stderr}")
