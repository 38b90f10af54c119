"""An experiment: arms that see different things of a person, trained alike, compared on the same people."""

from lib.experiments.arms import assemble, complete_people, count_people, drop_rare_verbs
from lib.experiments.decodings import decode, decoding_table
from lib.experiments.heads import cache_logits, neighbour_votes, tune_cache, zero_shot
from lib.experiments.judgements import accuracy_by_group, score_bins, verdicts
from lib.experiments.oracles import count_oracle_inputs, object_inputs, true_pose_features, true_pose_inputs
from lib.experiments.refits import refit
from lib.experiments.results import Results, join, load_results, results_from_logits
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
    "accuracy_by_group",
    "assemble",
    "baselines",
    "cache_logits",
    "chosen_epochs",
    "clean_table",
    "compare_arms",
    "compare_groups",
    "complete_people",
    "count_oracle_inputs",
    "count_people",
    "decode",
    "decoding_table",
    "drop_rare_verbs",
    "join",
    "load_results",
    "neighbour_votes",
    "object_inputs",
    "optimism",
    "refit",
    "results_from_logits",
    "right_people",
    "run_experiment",
    "score_bins",
    "thesis_table",
    "true_pose_features",
    "true_pose_inputs",
    "tune_cache",
    "verdicts",
    "zero_shot",
]
