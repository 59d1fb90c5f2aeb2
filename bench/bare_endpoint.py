"""An endpoint that only runs SQL on a file and sends the rows: what the API is compared with.

Usage:
    BARE_FILE=analyst.duckdb BARE_0="select ..." python -m bench.bare_endpoint --port 8001

BARE_0 takes a trade; BARE_1 and BARE_2 take nothing.
"""

import os
from typing import Annotated, Any

import duckdb
import typer
import uvicorn
from fastapi import FastAPI


def main(port: Annotated[int, typer.Option(help="To listen on.")] = 8001) -> None:
    """Serve until it is ended."""
    connection = duckdb.connect(os.environ["BARE_FILE"], read_only=True)
    app = FastAPI()

    def rows(number: int, values: list[Any]) -> list[dict[str, Any]]:
        found = connection.cursor().execute(os.environ[f"BARE_{number}"], values)
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    @app.get("/v1/trades/{trade}")
    def look_up(trade: int) -> list[dict[str, Any]]:
        return rows(0, [trade])

    @app.get("/v1/trades")
    def page() -> list[dict[str, Any]]:
        return rows(1, [])

    @app.get("/v1/metrics/{name}")
    def metric(name: str) -> list[dict[str, Any]]:
        return rows(2, [])

    uvicorn.run(app, port=port, log_level="warning", access_log=False)


if __name__ == "__main__":
    typer.run(main)
