"""The report of an enrolment: what it says, and that it needs nothing else."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from enrolment.job import run_enrolment
from enrolment.report.charts import line_chart, scatter_chart, ticks
from enrolment.report.content import all_angles, section_sizes
from enrolment.report.page import SECTIONS
from enrolment.report.pictures import SIDE_VIEWS_DEG, choose_rows, error_picture
from tests.support.drawn_takes import drawn_person, drawn_take
from tests.support.enrolling import Stage

VECTORS = Path(__file__).parents[1] / "vectors"


class Images(HTMLParser):
    """Collects what a page refers to, and checks that what is opened is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.tags: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    stage, folder = Stage(), tmp_path_factory.mktemp("report")
    (folder / "<b>&.mp4").write_bytes(b"")
    job = stage.job(folder, clip=folder / "<b>&.mp4", name="<script>", report=folder / "report")
    result = run_enrolment(job, parts=stage.parts())
    assert result.report == folder / "report" / "report.html"
    assert set(result.scores) == {"open_loop", "closed_loop"}
    return folder / "report"


def test_the_page_stands_alone_and_escapes_what_people_name(written: Path) -> None:
    page = (written / "report.html").read_text()
    parser = Images()
    parser.feed(page)
    assert parser.open == []
    assert "script" not in parser.tags
    assert "b" not in parser.tags
    assert "&lt;script&gt;" in page
    assert "&lt;b&gt;&amp;.mp4" in page
    assert all(source.startswith("data:image/jpeg;base64,") for source in parser.sources)
    assert len(parser.sources) == 3 * 2 + len(SIDE_VIEWS_DEG)
    assert not re.search(r"url\(|@import|https?:", page)
    assert parser.tags.count("svg") == 3  # two curves, one cloud


def test_the_numbers(written: Path) -> None:
    content = json.loads((written / "report.json").read_text())
    assert content["name"] == "<script>"
    assert content["clip"] | {"focal_px": 0} == {
        "file": "<b>&.mp4", "pictures": 10, "held_out": 2, "hold_out": "blocks", "seconds": 0.36, "focal_px": 0,
        "head_model_id": drawn_take(10).head_model_id,
    }  # fmt: skip
    assert content["judged_on"] == "held-out pictures"
    assert content["scores"]["open_loop"]["psnr_db"] > 40
    assert content["scores"]["open_loop"]["lpips"] is None
    assert content["avatar"]["gaussians"] == drawn_person().count
    assert sum(content["avatar"]["sections"].values()) + 8 == content["avatar"]["bytes"]
    assert set(content["stages_s"]) >= {"reading the recording", "making the instant avatar", "training"}
    assert content["stages_s"]["reading the recording"] == 8
    points = content["training"]["points"]
    assert points[0] == {"trained_s": 0, "loss": None, "psnr_db": points[0]["psnr_db"]}
    assert points[-1]["loss"] == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("file", sorted(VECTORS.glob("*/*.va[vp]")), ids=lambda file: file.name)
def test_sections_of_every_version_are_those_of_the_file_and_have_names(file: Path) -> None:
    data = file.read_bytes()
    sizes = section_sizes(data)
    assert next(iter(sizes)) == "HEAD"
    assert sum(sizes.values()) + 8 == len(data)
    assert set(sizes) <= set(SECTIONS)


def test_angles_have_the_signs_that_the_page_names() -> None:
    take = drawn_take(3)
    vectors = np.zeros((3, 65), np.float32)
    vectors[0, 51] = 0.3  # about y (up): to the person's left
    vectors[1, 50] = -0.2  # about x (the person's left): up
    vectors[2, 52] = -0.1  # about z (out of the face), clockwise for the person: to the left shoulder
    angles = all_angles(replace(take, vectors=vectors))
    np.testing.assert_allclose(angles, np.degrees(np.diag([0.3, 0.2, 0.1])), atol=1e-5)


def test_rows_are_spread_and_hold_the_worst() -> None:
    assert choose_rows([30.0]) == [0]
    assert choose_rows([30.0, 20.0]) == [0, 1]
    values = [30.0] * 100
    values[53] = 20.0
    rows = choose_rows(values)
    assert len(rows) == 6
    assert 53 in rows
    assert rows == sorted(rows)


def test_errors_are_black_where_there_are_none() -> None:
    truth = np.full((8, 8, 3), 100, np.uint8)
    picture = truth.copy()
    picture[0] += 50
    error = error_picture(truth, picture).astype(int).sum(axis=2)
    assert error[1:].max() < 10
    assert error[0].min() > 200


@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 1.0), (20.13, 31.9), (-41.0, 38.0), (5.0, 5.0), (0.0, 0.0), (1e-5, 3e-5), (0, 86_400)]
)
def test_ticks_are_round_and_enclose(low: float, high: float) -> None:
    values = ticks(low, high)
    assert 2 <= len(values) <= 8
    assert values[0] <= low + 1e-12
    assert values[-1] >= high - 1e-12
    np.testing.assert_allclose(np.diff(values), values[1] - values[0])


def test_charts_are_drawn_within_their_frame() -> None:
    points = [(0.0, float("nan")), (1.0, 20.0), (30.0, 30.0), (90.0, 31.0)]
    for text in (line_chart(points, "s", "dB", marks=True), scatter_chart({"a": points, "b": []}, "x & y", "z")):
        svg = ElementTree.fromstring(text)
        circles = [each for each in svg.iter() if each.tag == "circle"]
        assert len(circles) >= 3
        for each in circles:
            assert 0 < float(each.attrib["cx"]) < 560
            assert 0 < float(each.attrib["cy"]) < 240
    assert ElementTree.fromstring(line_chart([], "s", "dB")) is not None
