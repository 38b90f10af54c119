"""An experiment: arms that see different things of a person, trained alike, compared on the same people."""

from lib.experiments.arms import assemble, complete_people, count_people, drop_rare_verbs
from lib.experiments.claims import FAILS, HOLDS, OPEN, Claim, judge_difference, judge_seeds, list_claims
from lib.experiments.convergence import change_after_choice, convergence, right_at_best
from lib.experiments.examples import answers, find_disagreements
from lib.experiments.factors import accuracy_by_factor, describe_people, explain_gain, regress
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
    test_people,
    thesis_table,
)
from lib.experiments.verbs import (
    VERB_GROUPS,
    bound_published,
    compare_verb_groups,
    compare_verbs,
    group_verbs,
)

__all__ = [
    "FAILS",
    "HOLDS",
    "OPEN",
    "VERB_GROUPS",
    "Claim",
    "Results",
    "accuracy_by_factor",
    "answers",
    "assemble",
    "baselines",
    "bound_published",
    "change_after_choice",
    "chosen_epochs",
    "clean_table",
    "compare_arms",
    "compare_groups",
    "compare_verb_groups",
    "compare_verbs",
    "complete_people",
    "convergence",
    "count_people",
    "describe_people",
    "drop_rare_verbs",
    "explain_gain",
    "find_disagreements",
    "group_verbs",
    "join",
    "judge_difference",
    "judge_seeds",
    "list_claims",
    "load_results",
    "optimism",
    "regress",
    "right_at_best",
    "right_people",
    "run_experiment",
    "test_people",
    "thesis_table",
]
