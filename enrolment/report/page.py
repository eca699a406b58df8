"""The report as one HTML file without scripts and without anything from elsewhere."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from importlib import resources
from typing import Any

from enrolment.report.charts import line_chart, scatter_chart
from enrolment.report.content import ReportSource, all_angles
from enrolment.report.pictures import ERROR_GAIN, SIDE_VIEWS_DEG, Picture, SheetRow, data_uri

SECTIONS = {
    "HEAD": "header",
    "OWNR": "owner",
    "STEP": "steps of rounding",
    "SHAP": "head shape",
    "FACE": "bound triangles",
    "BARY": "places in the triangles",
    "COLR": "colors",
    "SCAL": "sizes",
    "OPAC": "opacities",
    "MEAN": "offsets",
    "QUAT": "rotations",
    "RIGD": "what follows the skull alone",
    "GRUV": "places on the control grid",
    "BEXP": "exponents of the bases",
    "BWGT": "weights of the bases",
    "BGRD": "control grids of the bases",
    "GAU0": "Gaussians of the first picture",
    "GAU1": "all other Gaussians",
    "BASE": "bases",
    "MOTN": "the person's own motions",
    "RANG": "ranges of colors and sizes",
    "DECO": "decoders of latents",
    "BIND": "bound triangles, and places in them",
    "GAUS": "colors, sizes, latents",
    "HARM": "spherical harmonics",
    "NETW": "network",
}
"""What the sections of avatar files hold, of all versions and profiles."""
_MEASURES = (
    ("psnr_db", "PSNR, whole picture", "dB", 2),
    ("face_psnr_db", "PSNR, head", "dB", 2),
    ("ssim", "SSIM, whole picture", "", 4),
    ("face_ssim", "SSIM, head", "", 4),
    ("lpips", "LPIPS, whole picture", "", 4),
    ("face_lpips", "LPIPS, head", "", 4),
    ("closed_loop_ms", "correcting a picture's parameters", "ms", 1),
)


def report_html(content: dict[str, Any], source: ReportSource, rows: Sequence[SheetRow], views: list[Picture]) -> str:
    """The page.

    Args:
        content: what report.json says.
        source: where curves and clouds of points come from.
        rows: of the contact sheet.
        views: one for each of SIDE_VIEWS_DEG.
    """
    style = (resources.files("enrolment.report") / "data" / "report.css").read_text("utf-8")
    name = html.escape(content["name"])
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">",
        f"<title>{name}: enrolment report</title><style>{style}</style></head><body><main>",
        f"<header><h1>{name}</h1>{_headline(content)}</header>",
        _warnings(content["warnings"]),
        _scores(content),
        _sheet(rows, content["judged_on"]),
        _views(views),
        _course(source),
        _coverage(content, source),
        _files(content),
        "</main></body></html>\n",
    ]
    return "\n".join(part for part in parts if part)


def _headline(content: dict[str, Any]) -> str:
    avatar, clip, training = content["avatar"], content["clip"], content["training"]
    size = f"{avatar['gaussians']:,} Gaussians, {avatar['bytes'] / 1000:,.0f} kB"
    if clip["pictures"] == 1:
        return _p(f"Made of one photo, {clip['file']}, without training: {size}.")
    trained = f"{training['trained_s']:.0f} s of training on {'CUDA' if training['backend'] == 'cuda' else 'the CPU'}"
    held_out = f", {clip['held_out']} of them held out" if clip["held_out"] else ""
    stopped = ", ended early" if training["stopped"] else ""
    return _p(
        f"Learned from {clip['file']}: {clip['pictures']} pictures over {clip['seconds']:.1f} s{held_out}. "
        f"Profile {avatar['profile']}, {size}, {trained}{stopped}."
    ) + _p(f"Avatar {avatar['id']}", "id")


def _warnings(warnings: Sequence[str]) -> str:
    if not warnings:
        return ""
    return f'<section class="warnings"><h2>To know</h2>{_list(warnings)}</section>'


def _scores(content: dict[str, Any]) -> str:
    columns = {"open_loop": "open loop", "closed_loop": "closed loop"}
    scores = {name: content["scores"][name] for name in columns if name in content["scores"]}
    if not scores:
        return ""
    rows = [
        [label, *(_value(scores[name].get(key), digits, unit) for name in scores)]
        for key, label, unit, digits in _MEASURES
        if any(scores[name].get(key) is not None for name in scores)
    ]
    judged_on = content["judged_on"]
    explained = (
        f"Means over {judged_on}, on white. Open loop: driven by what the tracker says, and what the training has "
        "found out about it. Closed loop: the sender draws the avatar, too, and corrects what it sends by the "
        "difference."
    )
    if judged_on != "held-out pictures":
        explained += " These were learned from: the figures say little about new pictures."
    elif any(point["psnr_db"] is not None for point in content["training"]["points"]):
        explained += " A few of the same pictures have decided which moment of the training was kept."
    table = _table(["", *(columns[name] for name in scores)], rows)
    return f"<section><h2>How close it comes</h2>{_p(explained, 'soft')}{table}</section>"


def _sheet(rows: Sequence[SheetRow], judged_on: str) -> str:
    if not rows:
        return ""
    cells = ["<span>seen</span><span>avatar</span><span>difference</span>"]
    for row in rows:
        alt = f"picture {row.index}"
        images = "".join(_image(picture, alt) for picture in (row.truth, row.render, row.error))
        cells.append(f"{images}<small>{row.time_s:.1f} s, {row.psnr_db:.1f} dB</small>")
    which = f"Some of the {judged_on}, the worst among them. " if len(rows) > 1 else ""
    note = f"{which}Differences are shown {ERROR_GAIN:.0f} times as large."
    return f'<section><h2>Side by side</h2>{_p(note, "soft")}<div class="sheet">{"".join(cells)}</div></section>'


def _views(views: Sequence[Picture]) -> str:
    figures = "".join(
        f"<figure>{_image(view, f'{degrees} degrees')}<figcaption>{_signed(degrees)}°</figcaption></figure>"
        for degrees, view in zip(SIDE_VIEWS_DEG, views, strict=True)
    )
    return f'<section><h2>From the sides</h2><div class="views">{figures}</div></section>'


def _course(source: ReportSource) -> str:
    points = source.state.points
    psnr = [(point.trained_s, point.psnr_db) for point in points if point.psnr_db is not None]
    loss = [(point.trained_s, point.loss) for point in points]
    charts = ""
    if len(psnr) > 1:
        charts += line_chart(psnr, "training, s", "held-out PSNR, dB", marks=True)
    if len(loss) > 1:
        charts += line_chart(loss, "training, s", "loss")
    if not charts:
        return ""
    note = _p("PSNR of a few held-out pictures, as a sender would correct them.", "soft") if len(psnr) > 1 else ""
    return f'<section><h2>Training</h2>{note}<div class="charts">{charts}</div></section>'


def _coverage(content: dict[str, Any], source: ReportSource) -> str:
    take = source.take
    if len(take) == 1:
        return ""
    angles, covered = all_angles(take)[:, :2], content["coverage"]
    groups = {"learned from": [(float(a), float(b)) for a, b in angles[take.train_indices]]}
    if take.held_out.any():
        groups["held out"] = [(float(a), float(b)) for a, b in angles[take.held_out_indices]]
    legend = "".join(f'<span class="key group{index}">{name}</span>' for index, name in enumerate(groups))
    chart = scatter_chart(groups, "yaw to the person's left, degrees", "pitch up, degrees")
    turns = [[name.removesuffix("_deg"), f"{covered[name][0]:+.0f}° to {covered[name][1]:+.0f}°"] for name in covered
             if name.endswith("_deg")]  # fmt: skip
    faces = [[name, f"{100 * value:.0f} %"] for name, value in covered["expressions"].items()]
    note = _p("What a take does not show, the avatar cannot know.", "soft")
    table = _table(["the most that was learned from", ""], turns + faces)
    inner = f'<div class="charts"><div>{chart}<p class="legend">{legend}</p></div>{table}</div>'
    return f"<section><h2>What the take covers</h2>{note}{inner}</section>"


def _files(content: dict[str, Any]) -> str:
    sections, stages = content["avatar"]["sections"], content["stages_s"]
    total = sum(sections.values())
    sizes = [
        [SECTIONS.get(tag, tag), f"{size:,}", f"{100 * size / total:.1f} %"]
        for tag, size in sorted(sections.items(), key=lambda item: -item[1])
    ]
    times = [[stage, f"{seconds:.1f} s"] for stage, seconds in stages.items()]
    times.append(["altogether", f"{sum(stages.values()):.1f} s"])
    tables = _table(["the file holds", "bytes", "share"], sizes) if sizes else ""
    return (
        "<section><h2>Bytes and seconds</h2>"
        f'<div class="tables">{tables}{_table(["stage", "time"], times)}</div></section>'
    )


def _signed(number: int) -> str:
    return f"{number:+d}" if number else "0"


def _value(value: float | None, digits: int, unit: str) -> str:
    return "–" if value is None else f"{value:.{digits}f} {unit}".rstrip()


def _p(text: str, kind: str = "") -> str:
    return f'<p class="{kind}">{html.escape(text)}</p>' if kind else f"<p>{html.escape(text)}</p>"


def _list(items: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{html.escape(item)}</li>" for item in items) + "</ul>"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    titles = "".join(f"<th>{html.escape(title)}</th>" for title in head)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"


def _image(picture: Picture, alt: str) -> str:
    height, width = picture.shape[:2]
    return f'<img src="{data_uri(picture)}" width="{width}" height="{height}" alt="{html.escape(alt)}">'
