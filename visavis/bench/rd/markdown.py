"""Tables of a report, and the report as a page."""

from __future__ import annotations

import html
from collections.abc import Sequence

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; color: #111; background: #fff; max-width: 62rem; margin: 2rem auto;
  padding: 0 1rem; }}
img {{ max-width: 100%; }}
table {{ border-collapse: collapse; font-size: 0.85rem; margin: 1rem 0; display: block; overflow-x: auto; }}
th, td {{ border: 1px solid #bbb; padding: 0.2rem 0.5rem; text-align: right; }}
th:first-child, td:first-child {{ text-align: left; }}
th {{ background: #eee; }}
@media print {{
  body {{ max-width: none; font-size: 10pt; }}
  h2 {{ break-before: page; }}
  img, tr {{ break-inside: avoid; }}
}}
</style>
{body}
</html>
"""


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a markdown table, its head first."""
    head, *rest = ["| " + " | ".join(row) + " |" for row in rows]
    return [head, "|" + "---|" * len(rows[0]), *rest]


def page(markdown: str, title: str) -> str:
    """A report as one HTML page; its pictures stay beside it."""
    from markdown_it import MarkdownIt

    body = MarkdownIt("commonmark").enable("table").render(markdown)
    return _PAGE.format(title=html.escape(title), body=body)
