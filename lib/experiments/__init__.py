"""An experiment: arms that see different things of a person, trained alike, compared on the same people."""

from lib.experiments.arms import assemble, complete_people, count_people, drop_rare_verbs
from lib.experiments.posture import find_same_posture
from lib.experiments.results import Results, join, load_results
from lib.experiments.runs import run_experiment
from lib.experiments.tables import (
    baselines,
    chosen_epochs,
    clean_table,
    compare_arms,
    compare_groups,
    optimism,
    right_people,
    thesis_table,
)

__all__ = [
    "Results",
    "assemble",
    "baselines",
    "chosen_epochs",
    "clean_table",
    "compare_arms",
    "compare_groups",
    "complete_people",
    "count_people",
    "drop_rare_verbs",
    "find_same_posture",
    "join",
    "load_results",
    "optimism",
    "right_people",
    "run_experiment",
    "thesis_table",
]
