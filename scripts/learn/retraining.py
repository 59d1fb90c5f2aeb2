"""Train again when there is a reason to, and let the new version take the place of the champion only if it is better.

Usage:
    done = retrain(run_id, session, question, registry, Path("data/runs"))
    print(done.told, done.is_promoted)

Reasons are that there is no champion, that of more quarters it is known what happened, and drift. Both versions are judged by the same quarters, from which neither has
learned; customers are drawn anew, each with all of its quarters and for both versions alike (a paired bootstrap of the difference of the areas), and the difference must exceed
the margin in 95 % of the draws (`promotion`). A version that does not is kept as the challenger.

Every step may be repeated: the same data are the same training, which is not done again, and a version that has a role keeps it. So after a kill, it is run again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from scripts.learn.drift import ACT, Check
from scripts.learn.examples import Examples, read_examples, read_today
from scripts.learn.promotion import judged
from scripts.learn.question import Question
from scripts.learn.registry import CHALLENGER, CHAMPION, Registry
from scripts.learn.training import Costs, Source, train, training_digest
from scripts.learn.watching import watch
from scripts.serve.sessions import Session

# Checks that a new version may cure. Missing and impossible values are faults of the data, and slow answers of the server: nobody should learn from them.
CURED = ("input_drift", "score_drift", "age_days", "area_loss", "calibration_factor")


@dataclass(frozen=True)
class Retraining:
    """What was done.

    Attributes:
        reason: why it was trained; None if there was no reason.
        version: that came out; None if there was no reason.
        is_new: whether it was not there before.
        is_promoted: whether it has become the champion.
        told: all of it, in one line.
    """

    reason: str | None
    version: int | None
    is_new: bool
    is_promoted: bool
    told: str


def retrain(
    run_id: str,
    session: Session,
    question: Question,
    registry: Registry,
    runs: Path,
    because: str | None = None,
) -> Retraining:
    """Look whether there is a reason to train; if so, train, judge, and promote what is better.

    Args:
        run_id: of the run that does it.
        session: reads the published version.
        question: that the model answers.
        registry: of the models.
        runs: the folder of the run history.
        because: a reason that somebody has; None: those of this module count.

    Raises:
        LearnError: there is too little to learn from, or the registry cannot be read or written.
        ServeError: customers cannot be read.
        RecordError: it cannot be recorded.
    """
    name = question.name
    examples = read_examples(session, question)
    watching = partial(
        watch, run_id, session, question, registry, runs, read_today(session, question), examples
    )
    checks = watching()
    reason = because or reason_to_train(registry, name, examples, checks)
    if reason is None:
        champion = registry.aliases(name)[CHAMPION]
        told = f"nothing to learn: version {champion} knows all quarters, and nothing has drifted"
        return Retraining(None, None, False, False, told)
    version, is_new = _trained(session, question, registry, examples)
    is_promoted, told = _judged(registry, question, examples, version, reason)
    # Of this run, what was found last counts: it is about the versions that have a role now.
    watching()
    trained = "trained" if is_new else "the same training as before"
    return Retraining(
        reason, version, is_new, is_promoted, f"version {version} ({trained}, {reason}): {told}"
    )


def reason_to_train(
    registry: Registry, name: str, examples: Examples, checks: Sequence[Check]
) -> str | None:
    """Why the champion should be trained again; None if it should not.

    Raises:
        LearnError: the registry cannot be read.
    """
    champion = registry.aliases(name).get(CHAMPION)
    if champion is None:
        return "there is no champion"
    known, newest = (
        max(registry.description(name, champion).data["judged_by"]),
        examples.all_dates[-1].isoformat(),
    )
    if newest > known:
        return f"it is known what happened after {newest}"
    drifted = [each for each in checks if each.name in CURED and each.state == ACT]
    if drifted:
        worst = max(drifted, key=lambda each: each.value / each.act_from)
        return f"{worst.name} of {worst.subject} is {worst.value:.3f}, from {worst.act_from:g} on somebody acts"
    return None


def _trained(
    session: Session, question: Question, registry: Registry, examples: Examples
) -> tuple[int, bool]:
    """The version of these data, and whether it is new; what contacts cost stays as it is."""
    champion = registry.aliases(question.name).get(CHAMPION)
    costs = Costs()
    if champion is not None:
        costs = Costs(**registry.description(question.name, champion).costs)
    digest = training_digest(question, examples, costs)
    if (version := registry.version_of(question.name, digest)) is not None:
        return version, False
    return registry.add(train(question, examples, Source.of(session.manifest), costs))


def _judged(
    registry: Registry, question: Question, examples: Examples, version: int, reason: str
) -> tuple[bool, str]:
    """Give a version the role that it deserves; whether it is the champion now, and why."""
    name = question.name
    aliases = registry.aliases(name)
    if aliases.get(CHAMPION) == version:
        return False, "it is the champion already, and the data say nothing else"
    if aliases.get(CHALLENGER) != version:
        registry.assign(name, CHALLENGER, version, f"trained: {reason}")
    verdict = judged(registry, question, examples, version)
    if not verdict.is_better:
        return False, f"kept as challenger: {verdict.reason}"
    registry.assign(name, CHAMPION, version, verdict.reason)
    return True, f"the new champion: {verdict.reason}"
