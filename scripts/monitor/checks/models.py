"""Checks of models: whether they still fit the customers that they score."""

from collections.abc import Iterator

from scripts.history.records import ModelCheck, read_records
from scripts.monitor.registry import Seen, Severity, check
from scripts.monitor.sight import Sight

_ACT = "act"


@check(
    "model_drifted",
    Severity.WARNING,
    "the champion of a model no longer fits the customers that it scores",
    "look whether the data or the customers have changed; then train again, or repair the data",
)
def model_drifted(sight: Sight) -> Iterator[Seen]:
    """Over when the last comparison of the model finds nothing to act upon."""
    days = sight.thresholds["history"]["days"]
    checks = read_records(sight.places.runs, ModelCheck, days)
    for name in sorted({each.model_name for each in checks}):
        of_model = [each for each in checks if each.model_name == name]
        last = max(each.checked_at for each in of_model)
        found = [each for each in of_model if each.checked_at == last and each.state == _ACT]
        if found:
            worst = "; ".join(
                f"{each.check_name} of {each.subject} is {each.value:g}, from {each.act_from:g} on it matters"
                for each in found[:3]
            )
            more = f", and {len(found) - 3} more" if len(found) > 3 else ""
            yield Seen(
                name,
                f"{name}, version {found[0].model_version}, compared with {found[0].published_version}: {worst}{more}",
            )
