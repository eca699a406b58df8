"""The `visavis` console command. Sub-commands import what they need when they run, so that `--help` is instant."""

from __future__ import annotations

import logging
import os
import sys

# Our matrices are small: more than one BLAS thread per process only makes the processes of a call fight for cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import typer

from visavis import __version__
from visavis.commands import (
    assets,
    avatars,
    bench,
    bot,
    calibrate,
    compress,
    decode,
    demo,
    encode,
    enroll,
    hosting,
    render,
    setup,
    track,
)

app = typer.Typer(
    help="3D video calls over a few kbit/s: your head as a Gaussian avatar, driven live.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"visavis {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Print the version."),
) -> None:
    """Reads the options that stand before the sub-command."""


app.command("demo")(demo.demo)
app.command("serve")(hosting.serve)
app.command("host")(hosting.host)
app.command("invite")(hosting.invite)
app.command("bot")(bot.bot)
app.command("enroll")(enroll.enroll)
app.command("track")(track.track)
app.command("encode")(encode.encode)
app.command("decode")(decode.decode)
app.command("render")(render.render)
app.command("compress")(compress.compress)
app.command("calibrate", help=calibrate.HELP)(calibrate.calibrate)
app.command("warm-up")(setup.warm_up)
app.add_typer(assets.app, name="assets")
app.add_typer(avatars.app, name="avatars")
app.add_typer(bench.app, name="bench")


OUR_PACKAGES = ("assets", "avatar_store", "client", "codec", "enrolment", "renderer", "server", "tracker", "visavis")


def main() -> None:
    """Runs the command; an error that has a sentence for people ends it with that sentence and status 1."""
    debug = bool(os.environ.get("VISAVIS_DEBUG"))
    logging.basicConfig(format="%(name)s: %(message)s", level=logging.WARNING)
    for package in OUR_PACKAGES:
        logging.getLogger(package).setLevel(logging.DEBUG if debug else logging.INFO)
    try:
        app()
    except Exception as error:
        if debug or not _has_sentence(error):
            raise
        print(f"visavis: {error}", file=sys.stderr)
        sys.exit(1)


def _has_sentence(error: BaseException) -> bool:
    """Whether the error is one of our own packages', whose messages are written for the person at the terminal."""
    if isinstance(error, BaseExceptionGroup):
        return False
    return type(error).__module__.split(".")[0] in OUR_PACKAGES


if __name__ == "__main__":
    main()
