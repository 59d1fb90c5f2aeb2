"""Models in production: features, training, registry, scores, and watching them (docs/learning.md).

| module | does |
|---|---|
| `question` | what is asked: entity, features, label |
| `examples` | reads customers and their features from what is published |
| `training` | fits, tunes and calibrates; makes the files of a version |
| `artifact` | a model that scores, from those files: the same for all callers |
| `evaluation` | figures about scores, and whether they may be chance |
| `registry` | versions, aliases, and the log of promotions |
| `promotion` | whether a challenger takes the place of the champion |
| `scores` | scores of all customers, which land as a feed |
| `drift` | compares what comes with what was learned from |
| `retraining` | trains again when there is a reason to |
| `watching` | records all that is watched of a model |
| `dataset` | sets for data scientists |
"""
