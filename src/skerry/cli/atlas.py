"""skerry serve and skerry atlas: the map of a finished run, to look at and to review."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from skerry.cli.common import AsJson, report

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")]


def serve(
    run: RunFolder,
    host: Annotated[
        str, typer.Option(help="Where to listen; any other lets other machines in.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Which port; 0: one that is free.")
    ] = 0,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Print the address, open no browser.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Open RUN's map in a browser: pan, zoom, look at sources, select, review. Ctrl+C ends it."""

    def work() -> dict[str, Any]:
        import json
        import webbrowser
        from threading import Thread

        from skerry.atlas import AtlasServer, chart_of
        from skerry.atlas.guard import is_open

        chart = chart_of(run)
        server = AtlasServer(chart, host, port)
        if is_open(host):
            typer.echo(
                f"skerry: warning: {host} can be reached from other machines: whoever opens the "
                "address sees the run and can write reviews",
                err=True,
            )
        found = {"run": str(run), "url": server.url}
        typer.echo(
            json.dumps(found) if as_json else f"Atlas of {run}: {server.url}  (Ctrl+C ends it)"
        )
        server.warm_up()
        # beside the server: to open a large input takes long
        Thread(target=lambda: _warn(chart.why_gone()), daemon=True).start()
        if not no_browser:
            webbrowser.open(server.url)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass
        finally:
            server.server_close()
        return found

    # it said all that there is when it began
    report(work, lambda _: None, as_json=False)


def atlas(
    run: RunFolder,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the atlas.")],
    as_json: AsJson = False,
) -> None:
    """Write RUN's map as a folder that opens in a browser without a server."""

    def work() -> dict[str, Any]:
        from skerry.atlas import chart_of, export
        from skerry.store.runfolder import require_outside

        require_outside(output, run, option="-o")
        chart = chart_of(run)
        files = export(chart, output)
        return {
            "run": str(run),
            "atlas": str(output / "index.html"),
            "files": len(files),
            "bytes": sum(path.stat().st_size for path in files),
            "no_images": chart.why_gone() or (chart.no_images if chart.cutout is None else ""),
        }

    report(work, _show, as_json)


def _warn(reason: str) -> None:
    if reason:
        typer.echo(f"skerry: warning: {reason}", err=True)


def _show(found: dict[str, Any]) -> None:
    size = found["bytes"] / 1e6
    typer.echo(f"Atlas: {found['atlas']}  ({found['files']} files, {size:.1f} MB)")
    if found["no_images"]:
        typer.echo(found["no_images"])
