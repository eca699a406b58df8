"""The figures of docs/how-it-works.md (tools/make_figures.py)."""
