"""An experiment: arms that see different things of a person, trained alike, compared on the same people."""

from lib.experiments.arms import (
    assemble,
    complete_people,
    confident_people,
    count_people,
    drop_rare_verbs,
)
from lib.experiments.claims import FAILS, HOLDS, OPEN, Claim, judge_difference, judge_seeds, list_claims
from lib.experiments.convergence import change_after_choice, convergence, right_at_best
from lib.experiments.decodings import decode, decoding_table
from lib.experiments.deployment import (
    accuracy_on_val,
    mean_probabilities,
    measure_probabilities,
    tune_probabilities,
)
from lib.experiments.examples import answers, find_disagreements, find_neighbours
from lib.experiments.factors import accuracy_by_factor, describe_people, explain_gain, regress
from lib.experiments.heads import cache_logits, neighbour_votes, tune_cache, zero_shot
from lib.experiments.inputs import POSE_COLUMNS, InputForm, shuffle_poses
from lib.experiments.judgements import accuracy_by_group, say_verdicts, score_bins, verdicts
from lib.experiments.linear_probe import first_precision
from lib.experiments.oracles import count_oracle_inputs, object_inputs, true_poses
from lib.experiments.posture import find_same_posture
from lib.experiments.refits import refit
from lib.experiments.results import Results, join, load_results, results_from_logits
from lib.experiments.runs import run_experiment, train_arm
from lib.experiments.tables import (
    baselines,
    chosen_epochs,
    clean_logits,
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
    "POSE_COLUMNS",
    "VERB_GROUPS",
    "Claim",
    "InputForm",
    "Results",
    "accuracy_by_factor",
    "accuracy_by_group",
    "accuracy_on_val",
    "answers",
    "assemble",
    "baselines",
    "bound_published",
    "cache_logits",
    "change_after_choice",
    "chosen_epochs",
    "clean_logits",
    "clean_table",
    "compare_arms",
    "compare_groups",
    "compare_verb_groups",
    "compare_verbs",
    "complete_people",
    "confident_people",
    "convergence",
    "count_oracle_inputs",
    "count_people",
    "decode",
    "decoding_table",
    "describe_people",
    "drop_rare_verbs",
    "explain_gain",
    "find_disagreements",
    "find_neighbours",
    "find_same_posture",
    "first_precision",
    "group_verbs",
    "join",
    "judge_difference",
    "judge_seeds",
    "list_claims",
    "load_results",
    "mean_probabilities",
    "measure_probabilities",
    "neighbour_votes",
    "object_inputs",
    "optimism",
    "refit",
    "regress",
    "results_from_logits",
    "right_at_best",
    "right_people",
    "run_experiment",
    "say_verdicts",
    "score_bins",
    "shuffle_poses",
    "test_people",
    "thesis_table",
    "train_arm",
    "true_poses",
    "tune_cache",
    "tune_probabilities",
    "verdicts",
    "zero_shot",
]
