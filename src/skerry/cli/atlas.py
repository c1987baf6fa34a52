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

        from skerry.atlas import AtlasServer, chart_of
        from skerry.atlas.guard import is_open

        server = AtlasServer(chart_of(run), host, port)
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
        files = export(chart_of(run), output)
        return {
            "run": str(run),
            "atlas": str(output / "index.html"),
            "files": len(files),
            "bytes": sum(path.stat().st_size for path in files),
        }

    report(work, _show, as_json)


def _show(found: dict[str, Any]) -> None:
    size = found["bytes"] / 1e6
    typer.echo(f"Atlas: {found['atlas']}  ({found['files']} files, {size:.1f} MB)")
