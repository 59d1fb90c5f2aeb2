"""A model that scores, from the files of its version: an ONNX graph and what belongs to it. Nothing in them is run as a program, and every caller scores with this class.

Usage:
    model = Model.read(folder)
    model.probabilities(customers.inputs)
    model.reasons(customers.inputs)
"""

import hashlib
import json
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from scripts.learn.question import Feature, LearnError, Numbers, Transformation

GRAPH, DESCRIPTION, CARD = "model.onnx", "model.json", "card.md"
# What a model may weigh, and how many rows are scored at once.
MOST_BYTES = 2_000_000
_ROWS = 50_000
REASONS = 3

Inputs = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Reference:
    """What a feature was like when the model was judged.

    Attributes:
        name: of the feature.
        usual: its median, in the values of the column.
        edges: the inner limits of ten groups of equal size.
        shares: the share of customers in each group.
        missing: the share of customers without a value.
        customers: how many there were, whoever they are.
        least: its least value.
        greatest: its greatest value.
    """

    name: str
    usual: float
    edges: list[float]
    shares: list[float]
    missing: float
    customers: int
    least: float
    greatest: float


@dataclass(frozen=True)
class Description:
    """Everything about a model but its graph.

    Attributes:
        name: of the model.
        question: words of it, for people.
        kind: the kind of estimator.
        parameters: of the estimator.
        features: what it takes, in order, with their transformations.
        slope: of the calibration: the logit of the graph is multiplied by it,
        intercept: and this is added.
        threshold: from which probability on a contact is worth its cost.
        costs: what contacting one costs, and what contacting one to whom it would happen is worth on average.
        references: of the features.
        scores: of the probabilities, the same.
        data: what it has learned from.
        figures: of the candidates, and on the hold-out.
        environment: versions of Python and packages.
        training: a SHA-256 of data, question, parameters and packages: equal, if the model is.
        sha256: of the graph.
    """

    name: str
    question: dict[str, str]
    kind: str
    parameters: dict[str, Any]
    features: list[tuple[str, str]]
    slope: float
    intercept: float
    threshold: float
    costs: dict[str, float]
    references: list[Reference]
    scores: Reference
    data: dict[str, Any]
    figures: dict[str, Any]
    environment: dict[str, str]
    training: str
    sha256: str

    def as_json(self) -> str:
        """As text."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The description in the folder of a version.

        Raises:
            LearnError: it cannot be read.
        """
        file = folder / DESCRIPTION
        try:
            values = json.loads(file.read_text(encoding="utf-8"))
            values["features"] = [tuple(feature) for feature in values["features"]]
            values["references"] = [Reference(**each) for each in values["references"]]
            values["scores"] = Reference(**values["scores"])
            return cls(**values)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise LearnError(
                f"{file}: cannot be read: {error}; promote another version, or train again"
            ) from error


class Model:
    """Scores examples. For any number of threads.

    Attributes:
        description: of the model.
    """

    def __init__(self, graph: bytes, description: Description) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        # One is scored in less time than threads take to meet.
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self.description = description
        self._session = onnxruntime.InferenceSession(
            graph, options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name
        self._output = self._session.get_outputs()[1].name
        self._lock = threading.Lock()

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The model of a version.

        Raises:
            LearnError: a file of it cannot be read, or the graph is not the one that was trained.
        """
        description = Description.read(folder)
        file = folder / GRAPH
        try:
            graph = file.read_bytes()
        except OSError as error:
            raise LearnError(f"{file}: cannot be read: {error.strerror}") from error
        if hashlib.sha256(graph).hexdigest() != description.sha256:
            raise LearnError(
                f"{file}: is not the model that was trained; promote another version, or train again"
            )
        return cls(graph, description)

    @property
    def features(self) -> tuple[Feature, ...]:
        """What it takes, in order."""
        return tuple(
            Feature(name, Transformation(transformation))
            for name, transformation in self.description.features
        )

    def probabilities(self, inputs: Inputs) -> Numbers:
        """How likely it happens to each."""
        raw = np.concatenate(
            [self._run(inputs[first : first + _ROWS]) for first in range(0, len(inputs), _ROWS)]
            or [np.zeros(0)]
        )
        return calibrated(raw, self.description.slope, self.description.intercept)

    def reasons(self, inputs: Inputs) -> list[list[str]]:
        """For each, up to three features that make it likelier, the strongest first.

        A feature is a reason if it would be less likely with the usual value of it.
        """
        base = logit(self.probabilities(inputs))
        effects = np.empty((len(inputs), len(self.features)))
        for position, (feature, reference) in enumerate(
            zip(self.features, self.description.references, strict=True)
        ):
            changed = inputs.copy()
            changed[:, position] = feature.of(np.array([reference.usual])).astype(np.float32)
            effects[:, position] = base - logit(self.probabilities(changed))
        order = np.argsort(-effects, axis=1, kind="stable")[:, :REASONS]
        names = [feature.name for feature in self.features]
        return [
            [names[column] for column in columns if effects[row, column] > 1e-6]
            for row, columns in enumerate(order.tolist())
        ]

    def _run(self, inputs: Inputs) -> Numbers:
        with self._lock:
            found = self._session.run([self._output], {self._input: inputs})[0]
        return np.asarray(found)[:, 1].astype(np.float64)


def logit(probabilities: Numbers) -> Numbers:
    """The logarithm of the odds."""
    bounded = np.clip(probabilities, 1e-9, 1 - 1e-9)
    return np.asarray(np.log(bounded) - np.log1p(-bounded))


def calibrated(raw: Numbers, slope: float, intercept: float) -> Numbers:
    """Probabilities, from those of a graph."""
    return np.asarray(1 / (1 + np.exp(-(slope * logit(raw) + intercept))))


def reference_of(name: str, last: Numbers, all_values: Numbers) -> Reference:
    """What values are like.

    Args:
        name: of the feature.
        last: those of the last date.
        all_values: those of all dates.
    """
    known, ever = last[~np.isnan(last)], all_values[~np.isnan(all_values)]
    if not len(known):
        return Reference(name, 0.0, [], [1.0], 1.0, len(last), 0.0, 0.0)
    edges = np.unique(np.quantile(known, np.arange(0.1, 1, 0.1)))
    return Reference(
        name=name,
        usual=float(np.median(known)),
        edges=edges.tolist(),
        shares=shares_of(known, edges),
        missing=float(np.mean(np.isnan(last))),
        customers=len(last),
        least=float(ever.min()),
        greatest=float(ever.max()),
    )


def shares_of(values: Numbers, edges: "Numbers | list[float]") -> list[float]:
    """The share of values in each of the groups between some edges; an edge belongs to the group below it."""
    groups = np.searchsorted(np.asarray(edges, dtype=np.float64), values, side="left")
    counts = np.bincount(groups, minlength=len(edges) + 1)
    return [float(share) for share in counts / max(1, len(values))]
