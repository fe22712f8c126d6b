"""The compiled vocabulary is what the language files say."""

from bursar.importing.recognising.languages import FOLDER, compiled
from bursar.importing.recognising.vocabulary import COMPILED, vocabulary


def test_the_compiled_file_is_fresh() -> None:
    written = (FOLDER / COMPILED).read_text(encoding="utf-8")
    assert written == compiled(), "run python -m bursar.importing.recognising.languages"


def test_every_language_file_is_in_it() -> None:
    assert set(vocabulary().languages) == {place.stem for place in FOLDER.glob("*.toml")}
