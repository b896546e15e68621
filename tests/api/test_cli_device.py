"""The doctor says in the reader's language what stands against a device."""

import pytest
from pydantic import ValidationError

from api.cli import device_words
from api.cli.doctor import Unwell, _device
from api.kit.i18n import catalogue
from api.kit.settings import Settings
from facematch import devices


@pytest.mark.parametrize("trouble", devices.TROUBLES)
def test_every_trouble_has_a_sentence_in_both_languages(trouble: str) -> None:
    english = device_words.WORDS[trouble]
    chinese = catalogue("zh_Hans")[english]
    assert ("%(detail)s" in english) == ("%(detail)s" in chinese)


@pytest.mark.parametrize(("locale", "word"), [("en_US.UTF-8", "install"), ("zh_CN.UTF-8", "安装")])
@pytest.mark.parametrize("device", ["cuda", "cuda:7", "tensorrt"])
def test_a_missing_card_is_explained_instead_of_ignored(
    monkeypatch: pytest.MonkeyPatch, device: str, locale: str, word: str
) -> None:
    if devices.describe_device("cuda").usable:
        pytest.skip("this machine has a card")
    monkeypatch.setenv("LC_ALL", locale)
    with pytest.raises(Unwell, match=word):
        _device(Settings(device=device))


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:one", "cpu:1"])
def test_a_device_that_cannot_be_is_refused_by_the_settings(device: str) -> None:
    with pytest.raises(ValidationError, match="device"):
        Settings(device=device)
