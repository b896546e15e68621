"""Languages: English in the code, other languages in api/locale/<language>/*.po. Knows no sentence itself."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

from babel.messages.pofile import read_po

LOCALE_DIR = Path(__file__).parent.parent / "locale"
LANGUAGES = {"en": "English", "zh_Hans": "简体中文"}
FALLBACK = "en"
Translate = Callable[[str], str]


def N_(message: str) -> str:  # noqa: N802
    """Mark a sentence for translation without translating it here."""
    return message


@lru_cache
def catalogue(language: str) -> Mapping[str, str]:
    """Every translated sentence of a language, all rooms together."""
    sentences: dict[str, str] = {}
    for path in sorted((LOCALE_DIR / language).glob("*.po")):
        with path.open("rb") as file:
            sentences |= {str(m.id): str(m.string) for m in read_po(file) if m.id and m.string and not m.fuzzy}
    return sentences


def translator(language: str) -> Translate:
    """A function from the English sentence to the reader's."""
    sentences = catalogue(language)
    return lambda message: sentences.get(message, message)


def choose_language(wanted: str | None) -> str:
    """The language of an Accept-Language header or a LANG value; Chinese of any kind reads simplified Chinese."""
    for part in (wanted or "").replace("_", "-").lower().split(","):
        tag = part.split(";")[0].strip()
        if tag.startswith("zh"):
            return "zh_Hans"
        if tag.startswith("en"):
            return "en"
    return FALLBACK
