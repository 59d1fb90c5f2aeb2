"""Models in Dagster: each morning they are watched, trained again if there is a reason to, and score; a new version takes the place of the champion only if it is better.

Usage:
    jobs, schedules = learning()

The work is that of `python -m scripts.learn retrain`, in a process of its own: it reads what is published, and may take place beside a build. Scores land
with the next batch. Without the extra `learn`, there is nothing to run.
"""

import subprocess
import sys
from importlib.util import find_spec

import dagster as dg

from scripts.orchestrate.places import Places
from scripts.warehouse.workspace import ROOT

# One run at a time, beside the builds.
POOL = "models"
# At five in the morning, UTC: when the batch of the night is published.
EVERY_MORNING = "0 5 * * *"


def learning() -> tuple[list[dg.JobDefinition], list[dg.ScheduleDefinition]]:
    """The job and its schedule, which is off until somebody switches it on; nothing if models cannot be trained here."""
    if find_spec("sklearn") is None:
        return [], []

    @dg.op(
        pool=POOL,
        out=dg.Out(dg.Nothing),
        description="Watches, trains, judges, promotes and scores each model: `python -m scripts.learn retrain`.",
    )
    def retrain_models(context: dg.OpExecutionContext, places: Places) -> None:
        places.use()
        done = subprocess.run(
            [sys.executable, "-m", "scripts.learn", "retrain"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        for line in done.stdout.splitlines():
            context.log.info(line)
        if done.returncode:
            problems = [line.removeprefix("learn: ") for line in done.stderr.splitlines()]
            raise dg.Failure(
                "; ".join(problems) or f"exit code {done.returncode}", allow_retries=False
            )

    @dg.job(name="models", description="Models: watched, trained again if need be, and scoring.")
    def models() -> None:
        retrain_models()

    every_morning = dg.ScheduleDefinition(
        name="every_morning",
        job=models,
        cron_schedule=EVERY_MORNING,
        description="Trains again when it is known what happened in another quarter, or something has drifted.",
    )
    return [models], [every_morning]
