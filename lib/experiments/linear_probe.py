"""A first sign of what CLIP's features know of verbs: words alone and a linear probe, ranked verb by verb."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lib.experiments.arms import complete_people
from lib.experiments.heads import zero_shot
from lib.metrics import score_verbs, verb_frequency


def probe_verbs(features: pd.DataFrame, labels: pd.DataFrame, asked: pd.DataFrame) -> pd.DataFrame:
    """Return the verbs' probabilities (n, v) for the people asked, by a logistic regression per verb.

    features   (m, dim) of people with `labels` (m, v), of which each verb has some and lacks some
    asked      (n, dim)

    The linear probe of Radford et al. (2021), on standardised features.
    """
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=300))
    fitted = MultiOutputClassifier(probe).fit(features, labels)
    probabilities = [both[:, 1] for both in fitted.predict_proba(asked)]
    return pd.DataFrame(np.stack(probabilities, axis=1), asked.index, labels.columns)


def first_precision(
    features: pd.DataFrame, prompts: np.ndarray, people: pd.DataFrame, verbs: Sequence[str]
) -> pd.DataFrame:
    """Return each verb's average precision on test, one column per method, from 0 to 1.

    verb frequency   of train, which sees no image
    CLIP zero-shot   the cosine of a person's features and the verb's words
    linear probe     `probe_verbs`, learnt on train

    `features` (n, dim) are of CLIP's images, `prompts` (v, dim) of its texts. Left out are people of whom a
    number is missing, and verbs that all or none of train have, or none of test.
    """
    people = people.loc[complete_people(features.loc[people.index])]
    train, test = (people[people["split"] == split] for split in ("train", "test"))
    known = [verb for verb in verbs if train[verb].nunique() == 2 and test[verb].any()]
    asked = features.loc[test.index]
    scores = {
        "verb frequency": verb_frequency(train[known], len(test)),
        "CLIP zero-shot": zero_shot(asked, prompts, verbs)[known],
        "linear probe": probe_verbs(features.loc[train.index], train[known], asked),
    }
    return pd.DataFrame({name: score_verbs(one, test[known], known)["AP"] for name, one in scores.items()})
