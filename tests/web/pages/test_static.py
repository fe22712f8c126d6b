"""What came from elsewhere is what it was."""

import hashlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("folder", ["web/pages/static/vendor", "tests/live/vendor"])
def test_vendored_files_are_unchanged_and_licensed(folder: str) -> None:
    place = ROOT / folder
    lines = (place / "CHECKSUMS").read_text().splitlines()
    sums = {name: digest for digest, name in (line.split() for line in lines)}
    assert set(sums) == {path.name for path in place.iterdir()} - {"CHECKSUMS"}
    for name, digest in sums.items():
        assert hashlib.sha256((place / name).read_bytes()).hexdigest() == digest, name
    assert any("LICENSE" in name for name in sums)
