from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from tracker.extractor import EXTRACTORS, open_extractor


def test_mediapipe_names_itself_and_its_head(studio):
    extractor = open_extractor("mediapipe", studio.head)
    try:
        assert extractor.name == "mediapipe"
        assert extractor.head_model_id == studio.head.model_id
        assert 0.5 < extractor.focal_ratio < 4
    finally:
        extractor.close()


def test_smirk_is_imported_only_when_it_is_asked_for(studio, monkeypatch):
    module = SimpleNamespace(SmirkExtractor=lambda head: ("smirk of", head))
    monkeypatch.setitem(sys.modules, "tracker.smirk", SimpleNamespace(extractor=module))
    monkeypatch.setitem(sys.modules, "tracker.smirk.extractor", module)
    assert open_extractor("smirk", studio.head) == ("smirk of", studio.head)


def test_another_name_is_refused_with_the_names_there_are(studio):
    with pytest.raises(ValueError, match=", ".join(EXTRACTORS)):
        open_extractor("openface", studio.head)
