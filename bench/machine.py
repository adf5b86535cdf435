"""What the bench runs on."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

from bench.server import memory_bytes


def machine() -> dict[str, Any]:
    """Return processor, cores that may be used, memory and operating system."""
    return {
        "cpu": _processor(),
        "cores": _cores(),
        "memory_gb": round(memory_bytes() / 1024**3),
        "system": platform.system(),
    }


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
