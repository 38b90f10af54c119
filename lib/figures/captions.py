"""Captions by file name: those of figures in English and Japanese, those of tables in Japanese.

A table's English caption is what its notebook gives to `save_table`. The order is that of the document which
`save_thesis` writes.
"""

_CURVES = (
    "Left, protocol thesis: one seed, a point at the epoch that is best on test; short lines, if any, are "
    "the thesis's accuracies. Right, protocol clean: each seed (thin), their mean (thick), a point where val "
    "chose the epoch. Dotted: rules that see no image.",
    "左：プロトコルthesis（乱数種1つ、点はテストで最良のエポック、短い線は論文の正解率）。"
    "右：プロトコルclean（細線は各乱数種、太線は平均、点は検証で選んだエポック）。点線は画像を見ない規則。",
)
_INTERVALS = (
    "exact match on test with 95 % intervals that resample images, protocol clean.",
    "テストの完全一致と95%区間（画像単位の再抽出）。プロトコルclean。",
)

FIGURES = {
    "01_people": (
        "People in test images, with their boxes and verbs.",
        "テスト画像の人物と、その枠と動詞。",
    ),
    "01_labels_per_verb": (
        "Labels of each verb in the three splits.",
        "動詞ごとのラベル数（3つの分割）。",
    ),
    "01_verbs_per_person": (
        "How many verbs people have.",
        "一人あたりの動詞数。",
    ),
    "01_cooccurrence": (
        "Verbs that go together: the share of people with the verb at left who also have the verb below.",
        "共起する動詞：左の動詞をもつ人のうち、下の動詞ももつ人の割合。",
    ),
    "01_boxes": (
        "Left: the boxes' share of the image, cumulative. Right: the sides of the image that boxes touch.",
        "左：枠が画像に占める割合（累積）。右：枠が接する画像の辺。",
    ),
    "02_poses": (
        "Crops of test people from the least to the most confident pose: the score and the verbs below; "
        "COCO's box dashed; the person's left side blue, the right orange.",
        "テスト人物の切り出し（姿勢スコアの低い順）。下にスコアと動詞、破線はCOCOの枠、青は本人の左、橙は右。",
    ),
    "02_scores": (
        "Pose scores, cumulative; dotted the means, dashed the border of 0.5 above which a pose is trusted.",
        "姿勢スコアの累積分布。点線は平均、破線は信頼できる姿勢の境界0.5。",
    ),
    "02_oks_by_score": (
        "COCO's OKS of the poses against their score: people (points), means with standard errors (red).",
        "姿勢スコアとCOCOのOKS：各人物（点）、平均と標準誤差（赤）。",
    ),
    "02_body_parts": (
        "Share of people whose body part was found with a confidence of 0.3 or more, by verb, %.",
        "信頼度0.3以上で検出された部位の割合（動詞別、%）。",
    ),
    "02_neighbours": (
        "Test people (left) and the train people nearest in CLIP's space. Green: a shared verb; red: none.",
        "テスト人物（左）と、CLIPの空間で最も近い訓練人物。緑は共通の動詞あり、赤はなし。",
    ),
    "03_accuracy_by_epoch": (
        f"Experiment 1: exact match on test by epoch. {_CURVES[0]}",
        f"実験1：エポックごとのテストの完全一致。{_CURVES[1]}",
    ),
    "03_clean": (f"Experiment 1: {_INTERVALS[0]}", f"実験1：{_INTERVALS[1]}"),
    "04_accuracy_by_epoch": (
        f"Experiment 2 (CLIP sees the crop in every arm): exact match on test by epoch. {_CURVES[0]}",
        f"実験2（どのモデルでもCLIPは切り出しを見る）：エポックごとのテストの完全一致。{_CURVES[1]}",
    ),
    "04_clean": (f"Experiment 2: {_INTERVALS[0]}", f"実験2：{_INTERVALS[1]}"),
    "05_accuracy_by_epoch": (
        "Experiment 3 (experiment 1's models on test people whose pose score is 0.5 or more): exact match by "
        f"epoch. {_CURVES[0]}",
        f"実験3（実験1のモデルを姿勢スコア0.5以上のテスト人物で評価）：エポックごとの完全一致。{_CURVES[1]}",
    ),
    "05_clean": (
        f"Experiment 3: groups of people by pose score, {_INTERVALS[0]}",
        f"実験3：姿勢スコアで分けた人物、{_INTERVALS[1]}",
    ),
    "06_accuracy_by_epoch": (
        "Experiment 4 (trained and tested on people whose pose score is 0.5 or more, without rare verbs): "
        f"exact match on test by epoch. {_CURVES[0]}",
        "実験4（姿勢スコア0.5以上、稀な動詞なしの人物で訓練とテスト）："
        f"エポックごとのテストの完全一致。{_CURVES[1]}",
    ),
    "06_clean": (
        f"Experiment 4: three training sets, the same test people, {_INTERVALS[0]}",
        f"実験4：3つの訓練集合、同じテスト人物、{_INTERVALS[1]}",
    ),
    "07_same_posture": (
        "The same posture, different actions: pairs of test people, one above the other, whose poses are "
        "nearly the same while they share no verb. Joints with a confidence of 0.3 or more are drawn.",
        "同じ姿勢、異なる行動：姿勢がほぼ同じで共通の動詞をもたないテスト人物の組（上下）。"
        "信頼度0.3以上の関節を描く。",
    ),
    "07_model": (
        "The model CLIP + pose: CLIP and the pose network stay frozen, three linear layers are trained. CLIP "
        "sees the crop (experiment 2) or the whole image (experiments 1, 3, 4). CLIP only and pose only lack "
        "the other branch.",
        "モデル「CLIP＋姿勢」：CLIPと姿勢ネットワークは固定し、3つの線形層を訓練する。CLIPの入力は"
        "切り出し（実験2）または画像全体（実験1、3、4）。「CLIPのみ」「姿勢のみ」には他方の枝がない。",
    ),
    "07_verbs": (
        "Table 7.1 tested: labels on exactly matched people, CLIP + pose less CLIP only, by verb, with 95 % "
        "intervals that resample images; people whose pose score is 0.5 or more, protocol thesis.",
        "表7.1の検定：完全一致した人物のラベルの差（CLIP＋姿勢 − CLIPのみ、動詞別）と95%区間"
        "（画像単位の再抽出）。姿勢スコア0.5以上の人物、プロトコルthesis。",
    ),
    "07_verb_groups": (
        "Labels named, CLIP + pose less CLIP only, by what chiefly tells the verbs apart, with 95 % "
        "intervals that resample images, protocol clean.",
        "正しく挙げたラベルの差（CLIP＋姿勢 − CLIPのみ）を、動詞を主に区別するもので分けたもの。"
        "95%区間は画像単位の再抽出、プロトコルclean。",
    ),
    "07_factors": (
        "Exact match on test against what may make a person hard, with 95 % intervals that resample images, "
        "protocol clean.",
        "人物を難しくしうる要因とテストの完全一致。95%区間は画像単位の再抽出、プロトコルclean。",
    ),
    "07_examples": (
        "Test people whom only CLIP + pose (above) or only CLIP (below) matches exactly, and the verbs that "
        "each names, protocol clean.",
        "CLIP＋姿勢だけ（上）またはCLIPだけ（下）が完全一致したテスト人物と、挙げられた動詞。プロトコルclean。",
    ),
    "09_people": (
        "People found in images, with their boxes, skeletons and the verbs named.",
        "画像中の人物の枠、骨格、推定された動詞。",
    ),
    "09_probabilities": (
        "Probability of each verb for some people; a dot where the verb is true.",
        "何人かについての各動詞の確率。点は真の動詞。",
    ),
    "10_learners": (
        "Learners on joints: validation accuracy with 95 % intervals that resample images; the OpenPose "
        "study's beside ours, which are of other people, verbs and joints.",
        "関節からの学習器：検証の正解率と95%区間（画像単位の再抽出）。OpenPoseの研究とは人物、動詞、関節が異なる。",
    ),
    "10_precision": (
        "Average precision by verb on test: CLIP zero-shot and trained.",
        "動詞ごとの平均適合率（テスト）：CLIPのゼロショットと訓練後。",
    ),
    "10_pose_models": (
        f"Pose models: {_INTERVALS[0]}",
        f"姿勢モデル：{_INTERVALS[1]}",
    ),
}

_OPTIMISM = "プロトコルclean：検証またはテストで選んだエポックでの完全一致（%）。"

TABLES = {
    "01_labels_per_verb": "動詞と分割ごとのラベル数。",
    "01_table_6_1": "動詞ごとのラベル数：再現、論文、差。",
    "02_scores": "姿勢が得られた人数、平均スコア、スコア0.5以上の人数。",
    "02_without_pose": "姿勢が得られなかった人数と理由。",
    "02_pose_quality": "使用した姿勢のCOCOによるAPとAR。",
    "02_body_parts": "部位が検出された人の割合（動詞別）。",
    "02_clip_knows": "テストにおける動詞の平均適合率の平均（mAP）。",
    "03_people": "実験1：使用した人数と、理由ごとの除いた人数。",
    "03_clean": "実験1、プロトコルclean：同じテスト人物（%）。",
    "03_tests": "実験1、プロトコルclean：対応のある比較（ポイント）。",
    "03_optimism": f"実験1、{_OPTIMISM}",
    "03_thesis": "実験1、プロトコルthesis：完全一致（%）。",
    "04_people": "実験2：使用した人数と、理由ごとの除いた人数。",
    "04_clean": "実験2、プロトコルclean：同じテスト人物（%）。",
    "04_tests": "実験2、プロトコルclean：対応のある比較（ポイント）。",
    "04_optimism": f"実験2、{_OPTIMISM}",
    "04_thesis": "実験2、プロトコルthesis：完全一致（%）。",
    "05_people": "実験3：姿勢スコアで分けたテスト人物の人数。",
    "05_clean": "実験3、プロトコルclean：姿勢スコアで分けたテスト人物（%）。",
    "05_gains": "実験3、プロトコルclean：「CLIP＋姿勢」と「CLIPのみ」の完全一致の差（ポイント）。",
    "05_optimism": f"実験3、{_OPTIMISM}",
    "05_table_7_1": "実験3、プロトコルthesis：動詞ごとのラベル数と、完全一致した人物のラベル数。",
    "05_table_7_1_thesis": "プロトコルthesis：表7.1の再現、論文、差。",
    "05_thesis": "実験3、プロトコルthesis：完全一致（%）。",
    "06_people": "実験4：人数。",
    "06_clean": "実験4、プロトコルclean：同じテスト人物（%）。",
    "06_tests": "実験4、プロトコルclean：対応のある比較（ポイント）。",
    "06_optimism": f"実験4、{_OPTIMISM}",
    "06_thesis": "実験4、プロトコルthesis：完全一致（%）。",
    "07_table_7_1": "完全一致した人物のラベル数（動詞別）、プロトコルthesis。",
    "07_published_verbs": "論文の表7.1から言えること：McNemarのp。",
    "07_published": "論文の正解率から言えること：McNemarのp。",
    "07_verb_groups": "動詞の群ごとに正しく挙げたラベル、プロトコルclean（%）。",
    "07_convergence": "最良（に近い）正解率までのエポック数、プロトコルclean。",
    "07_change_after_choice": "検証で選んだエポックから最後までの変化（ポイント）。",
    "07_factors": "人物を難しくしうる要因ごとの完全一致、プロトコルclean（%）。",
    "07_effects": "4つの要因を同時に用いた完全一致の説明、プロトコルclean（ポイント）。",
    "07_claims": "このプロファイルのデータから見た、論文の主張。",
    "09_predictions": "各画像で推定された動詞。",
    "10_learners": "関節からの学習器、検証の正解率（%）：OpenPoseの研究（STAIR Actions）と本研究。",
    "10_zero_shot": "CLIPのゼロショットと訓練後：真のKによる完全一致とmAP（%）。",
    "10_precision": "動詞ごとの平均適合率（%）。",
    "10_pose_weights": "姿勢モデルと、手元にあるもの。",
    "10_pose_models": "姿勢モデル：テストでの質と完全一致（%）、プロトコルclean。",
    "10_pose_model_tests": "姿勢モデルとHigherHRNetの差（ポイント）。",
}
