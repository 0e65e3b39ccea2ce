"""Where a run came from: commit, software, machine, and the process that does it."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = (
    "hdoc",
    "torch",
    "pytorch-lightning",
    "torchmetrics",
    "transformers",
    "tokenizers",
    "datasets",
    "kss",
    "python-mecab-ko",
    "mlflow",
    "numpy",
)


def git_state(folder: Path | None = None) -> dict[str, str]:
    """Return `commit` and `dirty` ("yes" or "no") of the repository around a folder; {} outside of one."""
    commit = _git("rev-parse", "HEAD", folder=folder)
    if not commit:
        return {}
    changes = _git("status", "--porcelain", "--untracked-files=no", folder=folder)
    return {"commit": commit, "dirty": "yes" if changes else "no"}


def _git(*arguments: str, folder: Path | None) -> str:
    try:
        done = subprocess.run(  # noqa: S603
            ["git", *arguments],  # noqa: S607
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def environment() -> dict[str, Any]:
    """Return versions of what takes part in training, and what the machine is."""
    import torch

    return {
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpus": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor()


def this_process() -> dict[str, str]:
    """Return host and process, so that anyone on this host can later tell whether it still lives."""
    return {"host": socket.gethostname(), "process": f"{os.getpid()} {_start_of(os.getpid())}"}


def is_alive(process: str) -> bool:
    """Tell whether the process of a `this_process()["process"]` on this host still runs."""
    pid, _, start = process.partition(" ")
    if not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    # A process id is given anew after a while; its start tells the two apart.
    return start == _start_of(int(pid))


def _start_of(pid: int) -> str:
    """Return boot and clock tick at which a process began; "" on systems that do not say."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
        # The second field is the program's name, which may hold spaces and parentheses.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return ""
    return f"{boot}:{fields[19]}"
