"""A clock that can be set forward for a whole running stack.

A small library, loaded before all others into PostgreSQL, workers, beat and this process, adds an
offset from shared memory to the time of day. Time passes at its usual speed in between; clocks that
only count up, by which time-outs are measured, are left alone. Needs a C compiler, on Linux.
"""

from __future__ import annotations

import mmap
import os
import struct
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ops.stack.binaries import find_postgres

_OFFSET = "BENCH_CLOCK_OFFSET"
_SOURCE = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *offset;

__attribute__((constructor)) static void find(void) {
  const char *path = getenv("BENCH_CLOCK_OFFSET");
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return;
  void *place = mmap(0, sizeof *offset, PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (place != MAP_FAILED) offset = place;
}

int clock_gettime(clockid_t clock, struct timespec *at) {
  int failed = syscall(SYS_clock_gettime, clock, at);
  if (!failed && offset && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
    at->tv_sec += *offset;
  return failed;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
  struct timespec now;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
  at->tv_sec = now.tv_sec;
  at->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *at) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (at) *at = now.tv_sec;
  return now.tv_sec;
}
"""


class Clock:
    """The time of day of this process and of all that it starts."""

    def __init__(self) -> None:
        file = os.open(os.environ[_OFFSET], os.O_RDWR)
        self._shared = mmap.mmap(file, 8)
        os.close(file)

    def now(self) -> datetime:
        """What everybody's clock shows."""
        return datetime.now(UTC)

    def set(self, moment: datetime) -> None:
        """Show this moment; never an earlier one than before, once work has begun."""
        ahead = moment.timestamp() - time.time()
        (offset,) = struct.unpack("q", self._shared[:8])
        self._shared[:8] = struct.pack("q", offset + round(ahead))

    def forward(self, pause: timedelta) -> None:
        """Let some time pass at once."""
        self.set(self.now() + pause)


def under_a_clock() -> Clock:
    """The clock; starts this command once more, with the library in front, where it is not yet."""
    if _OFFSET in os.environ:
        return Clock()
    folder = Path(tempfile.mkdtemp(prefix="bursar-clock-"))
    folder.chmod(0o755)  # PostgreSQL runs as somebody else when this is root
    source, library, offset = folder / "clock.c", folder / "clock.so", folder / "offset"
    source.write_text(_SOURCE)
    offset.write_bytes(bytes(8))
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", library, source], check=True)
    environment = os.environ | {"LD_PRELOAD": str(library), _OFFSET: str(offset)}
    return os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)


def faithful_postgres() -> str:
    """A folder of PostgreSQL's programs that live by the clock too, for BURSAR_PG_BIN.

    The stack gives its servers an environment of their own, without the library.
    """
    folder = Path(os.environ[_OFFSET]).parent / "bin"
    folder.mkdir(exist_ok=True)
    names = {name: os.environ[name] for name in ("LD_PRELOAD", _OFFSET)}
    words = " ".join(f"{name}={value}" for name, value in names.items())
    for name in ("postgres", "initdb", "pg_ctl"):
        wrapper = folder / name
        wrapper.write_text(f'#!/bin/sh\nexec env {words} {find_postgres() / name} "$@"\n')
        wrapper.chmod(0o755)
    return str(folder)
