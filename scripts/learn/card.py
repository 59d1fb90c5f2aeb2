"""The card of a model: what it is for, what it has learned from, how good it is, and where it must not be used; for people.

Usage:
    print(card_of(description, version=3))
"""

from typing import Any

from scripts.learn.artifact import Description


def card_of(description: Description, version: int) -> str:
    """The card of a version, in Markdown."""
    data, figures = description.data, description.figures["hold_out"]
    question = description.question
    happened, entities = question["happened"], question["entities"]
    parts = [
        f"# {description.name}, version {version}",
        f"**Question.** {question['asks']}",
        f"**Use.** {question['use']}",
        _table(
            ["learned from", ""],
            [
                ["published version", data["version"]],
                ["last batch", data["batch"]],
                ["fingerprint", data["fingerprint"]],
                ["commit", data["commit"] or "not a clone"],
                ["as-of dates", f"{data['learned_from'][0]} to {data['learned_from'][-1]}"],
                [
                    f"{entities} and dates",
                    f"{data['rows']:,}, of which {data['happened']:,} {happened}",
                ],
                ["kind", f"{description.kind}, {_listed(description.parameters)}"],
            ],
        ),
        "## How good it is\n\n"
        f"On {figures['rows']:,} {entities} and dates from {figures['dates'][0]} to {figures['dates'][-1]}, which it has not seen; {figures['happened']:,} {happened}.",
        _table(
            ["figure", "value", "means"],
            [
                [
                    "AUC",
                    f"{figures['area']:.3f} ({figures['area_low']:.3f} to {figures['area_high']:.3f})",
                    f"how often one who {happened} is scored above one who did not; 95 % confidence",
                ],
                [
                    "AUC by chance",
                    f"{figures['area_by_chance']:.3f}, up to {figures['area_by_chance_upper']:.3f}",
                    "with shuffled outcomes among those that are alike in what is no discovery",
                ],
                ["chance", f"{figures['chance']:.3f}", "how often chance reaches the AUC"],
                [
                    "found in the best tenth",
                    f"{figures['found_in_best_tenth']:.0%}",
                    f"of those who {happened}, in the tenth with the highest scores",
                ],
                [
                    "log loss",
                    f"{figures['log_loss']:.4f}",
                    f"{figures['log_loss_of_mean']:.4f} if all had the mean",
                ],
                [
                    "cost of each",
                    f"{figures['cost']:.2f}",
                    f"contacting from {description.threshold:.1%} on, {figures['contacted']:,} contacts; {figures['cost_of_all']:.2f} if all were contacted, 0 if nobody",
                ],
            ],
        ),
        "## Calibration",
        _table(
            ["mean probability", happened, entities],
            [
                [f"{said:.2%}", f"{share:.2%}", f"{count:,}"]
                for said, share, count in figures["calibration"]
            ],
        ),
        "## Features",
        _table(
            ["feature", "taken", "usual", "from", "to", "missing"],
            [
                [
                    name,
                    how.replace("_", " "),
                    *(f"{value:,.6g}" for value in (each.usual, each.least, each.greatest)),
                    f"{each.missing:.1%}",
                ]
                for (name, how), each in zip(
                    description.features, description.references, strict=True
                )
            ],
        ),
        "## What was tried",
        _table(
            ["kind", "parameters", "AUC on folds of time"],
            [
                [each["kind"], _listed(each["parameters"]), f"{each['area']:.4f}"]
                for each in description.figures["candidates"]
            ],
        ),
        f"Made with {_listed(description.environment)}. SHA-256 of the graph: `{description.sha256}`.",
    ]
    return "\n\n".join(parts) + "\n"


def _table(heads: list[str], rows: list[list[Any]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def _listed(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())
