"""The words in figures and tables: looked up whole, else in parts, at the marks that stand between them."""

import pytest

from lib.figures.language import ENGLISH, JAPANESE, comma, text

ENGLISH_AND_JAPANESE = [
    ("hold", "hold", "持つ"),
    ("work_on_computer", "work on computer", "パソコンを使う"),
    ("CLIP + pose", "CLIP + pose", "CLIP＋姿勢"),  # whole, as the table has it
    ("MLP + box", "MLP + box", "MLP＋枠内座標"),
    ("joints - MLP", "joints − MLP", "関節 − MLP"),
    ("pose, zero-shot", "pose, zero-shot", "姿勢、ゼロショット"),
    ("verdict: hurts", "verdict: hurts", "判定：有害"),
    ("true K = joints", "true K = joints", "真のK = 関節"),
    ("-8.3 to 4.7", "-8.3 to 4.7", "-8.3〜4.7"),
    ("pose: joints, hurts", "pose: joints, hurts", "姿勢：関節、有害"),
    ("split >= 3", "split ≥ 3", "split ≥ 3"),
    ("p_holm", "corrected p", "p（Holm）"),
    ("nowhere_in_a_table", "nowhere in a table", "nowhere_in_a_table"),
]


@pytest.mark.parametrize(("words", "english", "japanese"), ENGLISH_AND_JAPANESE)
def test_words_are_translated_whole_or_in_parts(words, english, japanese):
    assert text(words, "en") == english
    assert text(words, "ja") == japanese


def test_lists_have_their_languages_comma():
    assert comma("en").join(["hold", "sit"]) == "hold, sit"
    assert comma("ja").join(["持つ", "座る"]) == "持つ、座る"


def test_tables_have_no_entry_that_says_the_same_as_the_rule():
    """What the rule gives anyway stays out of the table, but for names that are the same on purpose."""
    assert not [words for words, english in ENGLISH.items() if english == words.replace("_", " ")]
    assert {words for words, japanese in JAPANESE.items() if words == japanese} <= {"CLIP", "MLP"}
