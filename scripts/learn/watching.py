"""Everything that is watched of a model, recorded with the runs: whether it still fits, what it said and what happened, and who was promoted.

Usage:
    checks = watch(run_id, session, question, registry, Path("data/runs"), today, examples)
    record_promotions(run_id, registry, "attrition", Path("data/runs"))
"""

from datetime import timedelta
from pathlib import Path

from scripts.history.records import ModelPromotion, rounded, write_records
from scripts.learn.artifact import Description
from scripts.learn.drift import Check, checks_of, outcomes_of, record_checks, record_outcomes
from scripts.learn.examples import Examples
from scripts.learn.question import Question
from scripts.learn.registry import ALIASES, CHAMPION, Promotion, Registry
from scripts.serve.api.audit import FOLDER, infer_path, seconds_of
from scripts.serve.sessions import Session
from scripts.warehouse.clock import utc_now

# Of the answers over HTTP, those that are looked at.
_ANSWERS = timedelta(days=1)


def watch(
    run_id: str,
    session: Session,
    question: Question,
    registry: Registry,
    runs: Path,
    today: Examples,
    examples: Examples,
) -> list[Check]:
    """Compare the champion with what is published, and all versions that have a role with what has happened; record it, and return the checks of the champion, if there is one.

    Args:
        run_id: of the run that watches.
        session: has read the published version.
        question: that the model answers.
        registry: of the models.
        runs: the folder of the run history.
        today: customers as of the last batch.
        examples: all of whom it is known what became of them.

    Raises:
        LearnError: a version cannot be read.
        RecordError: it cannot be recorded.
        AuditError: the log of the API cannot be read.
    """
    record_promotions(run_id, registry, question.name, runs)
    aliases = registry.aliases(question.name)
    models = {
        role: registry.model(question.name, aliases[role]) for role in ALIASES if role in aliases
    }
    checks = []
    if CHAMPION in models:
        answer_seconds = seconds_of(runs / FOLDER, infer_path(question.name), utc_now() - _ANSWERS)
        checks = checks_of(
            models[CHAMPION],
            aliases[CHAMPION],
            question,
            today,
            examples,
            session.manifest,
            answer_seconds,
        )
    outcomes = [
        outcome
        for role, model in models.items()
        for outcome in outcomes_of(model, role, aliases[role], question, examples)
    ]
    record_checks(run_id, checks, runs)
    record_outcomes(run_id, outcomes, session.manifest, runs)
    return checks


def record_promotions(run_id: str, registry: Registry, name: str, runs: Path) -> None:
    """Record what has changed in the registry since it was recorded last.

    Args:
        run_id: of the run that records.
        registry: with the log.
        name: of the model.
        runs: the folder of the run history.

    Raises:
        LearnError: the registry cannot be read or written.
        RecordError: the records cannot be written.
    """
    promotions = registry.unrecorded(name)
    if not promotions:
        return
    records = [_record(run_id, registry, name, promotion) for _, promotion in promotions]
    write_records(runs, records, utc_now())
    registry.mark_recorded(name, promotions[-1][0])


def _record(run_id: str, registry: Registry, name: str, promotion: Promotion) -> ModelPromotion:
    known = _description(registry, name, promotion.version)
    data = known.data if known else {}
    figures = known.figures["hold_out"] if known else {}
    return ModelPromotion(
        run_id=run_id,
        promoted_at=promotion.at,
        model_name=name,
        role=promotion.alias,
        model_version=promotion.version,
        previous_version=promotion.previous,
        reason=promotion.reason,
        note=promotion.note,
        user_name=promotion.user_name,
        kind=known.kind if known else None,
        published_version=data.get("version"),
        learned_until=max(data["learned_from"]) if known else None,
        judged_until=max(data["judged_by"]) if known else None,
        examples=figures.get("rows"),
        area=rounded(figures.get("area")),
        area_low=rounded(figures.get("area_low")),
        area_high=rounded(figures.get("area_high")),
        chance=rounded(figures.get("chance")),
    )


def _description(registry: Registry, name: str, version: int | None) -> Description | None:
    """What is known of a version; None if none was given, or its files are gone."""
    if version is None or version not in registry.versions(name):
        return None
    return registry.description(name, version)
