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

_DIFFERENCES = (
    "difference of exact match to each arm's reference with 95 % intervals that resample images, protocol "
    "clean.",
    "各モデルと基準との完全一致の差と95%区間（画像単位の再抽出）。プロトコルclean。",
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
    "07_verbs": (
        "Table 7.1 as differences, protocol thesis: CLIP + pose less CLIP only in the share of a verb's "
        "labels that are on exactly matched people, with 95 % intervals that resample images, not corrected.",
        "表7.1の差（プロトコルthesis）：完全一致した人物のラベルの割合、「CLIP＋姿勢」と「CLIPのみ」の差と"
        "95%区間（画像単位の再抽出、補正なし）。",
    ),
    "07_verb_groups": (
        "Labels named, by what tells the verbs apart: CLIP + pose less CLIP only with 95 % intervals that "
        "resample images, protocol clean.",
        "動詞を見分ける手がかりごとの、当てたラベルの割合の差（CLIP＋姿勢 − CLIPのみ）と95%区間。"
        "プロトコルclean。",
    ),
    "07_factors": (
        f"What may make a person hard: groups of people of like size, {_INTERVALS[0]}",
        f"人物の難しさの要因：同数に分けた人物、{_INTERVALS[1]}",
    ),
    "07_examples": (
        "People whom only CLIP + pose (above) or only CLIP (below) matches exactly: what each names, with K "
        "known, and a tick where all are right; protocol clean, seeds averaged.",
        "「CLIP＋姿勢」だけ（上段）または「CLIPのみ」だけ（下段）が完全一致した人物と、各モデルの答え"
        "（Kは既知、チェックは全て正解）。プロトコルclean、乱数種の平均。",
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
    "08_scale": (
        f"Study 1: keypoints in five forms beside CLIP as it comes and of length 1, {_DIFFERENCES[0]}",
        f"研究1：5つの形のキーポイント（CLIPはそのまま、または長さ1）、{_DIFFERENCES[1]}",
    ),
    "08_view": (
        f"Study 2: views of CLIP with and without pose, {_DIFFERENCES[0]}",
        f"研究2：CLIPの視野と姿勢の有無、{_DIFFERENCES[1]}",
    ),
    "08_fusion": (
        f"Study 3: networks for pose of equal size; the control has other people's poses, {_DIFFERENCES[0]}",
        f"研究3：同じ大きさの姿勢ネットワーク（対照は他人の姿勢）、{_DIFFERENCES[1]}",
    ),
    "08_by_score": (
        f"Study 4: people by pose score, {_INTERVALS[0]}",
        f"研究4：姿勢スコアで分けた人物、{_INTERVALS[1]}",
    ),
    "08_oracles": (
        f"Study 5: COCO's true keypoints and objects, {_DIFFERENCES[0]}",
        f"研究5：COCOの真のキーポイントと物体、{_DIFFERENCES[1]}",
    ),
    "08_decoding": (
        f"Study 6: rules that do not know how many verbs a person has, and one that does, {_INTERVALS[0]}",
        f"研究6：動詞の数を知らない規則と知る規則、{_INTERVALS[1]}",
    ),
    "08_heads": (
        f"Study 7: heads on the same features of CLIP, {_DIFFERENCES[0]}",
        f"研究7：同じCLIP特徴の上の分類器、{_DIFFERENCES[1]}",
    ),
    "09_people": (
        "Test images and the verbs that the saved model names: ticks right, crosses wrong, missed ones in "
        "brackets.",
        "保存したモデルが挙げる動詞（チェックは正解、×は誤り、括弧内は見逃し）。",
    ),
    "09_probabilities": (
        "The probability of every verb for people of test images; dots mark true verbs.",
        "テスト画像の人物についての各動詞の確率。点は真の動詞。",
    ),
    "10_learners": (
        "The OpenPose study's learners: its own accuracies, on STAIR Actions, and ours on three verbs with "
        "95 % intervals that resample images.",
        "OpenPoseの研究の学習器：元研究の正解率（STAIR Actions）と、3つの動詞での本研究の正解率"
        "（95%区間、画像単位の再抽出）。",
    ),
    "10_precision": (
        "CLIP zero-shot and trained: average precision by verb.",
        "CLIPのゼロショットと訓練後：動詞ごとの平均適合率。",
    ),
    "10_pose_models": (
        f"Pose models: pose alone and beside CLIP, {_INTERVALS[0]}",
        f"姿勢モデル：姿勢のみとCLIP併用、{_INTERVALS[1]}",
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
    "07_table_7_1": "実験3、プロトコルthesis：動詞ごとのラベル数と、完全一致した人物のラベル数。",
    "07_published_verbs": "論文の表7.1だけから言えること：McNemarのpの下限と上限。",
    "07_published": "論文の正解率だけから言えること：McNemarのpの下限と上限。",
    "07_verb_groups": "プロトコルclean：動詞のグループごとの、当てたラベルの割合（%）。",
    "07_convergence": "プロトコルclean：最良（の95%）に達するエポックと、その後の低下。",
    "07_change_after_choice": "プロトコルclean：検証で選んだエポックから最後までの変化（ポイント）。",
    "07_factors": "プロトコルclean：人物の難しさの要因と完全一致（%）。",
    "07_effects": "プロトコルclean：4つの要因を同時に用いた完全一致の回帰（ポイント）。",
    "07_claims": "このプロファイルのデータにおける論文の主張の判定。",
    "08_scale": "研究1、プロトコルclean：キーポイントの形（%）。",
    "08_scale_pixels": "研究1、プロトコルclean：画素座標に対するキーポイントの形（%）。",
    "08_view": "研究2、プロトコルclean：CLIPの視野（%）。",
    "08_fusion": "研究3、プロトコルclean：姿勢のためのネットワーク（%）。",
    "08_confidence": "研究4、プロトコルclean：不確かな姿勢（%）。",
    "08_by_score": "研究4、プロトコルclean：姿勢スコアごとの完全一致（%）。",
    "08_oracles": "研究5、プロトコルclean：真の注釈（%）。",
    "08_decoding": "研究6、プロトコルclean：復号規則（%）。",
    "08_heads": "研究7、プロトコルclean：CLIPの上の分類器（%）。",
    "09_predictions": "各画像について挙げられた動詞。",
    "10_learners": "OpenPoseの研究の学習器を本研究のキーポイントで訓練したときの正解率。",
    "10_zero_shot": "CLIPのゼロショットと訓練後：真のKでの完全一致とmAP（%）。",
    "10_precision": "動詞ごとの平均適合率（%）。",
    "10_pose_weights": "姿勢モデルと、ここにあるもの。",
    "10_pose_models": "プロトコルclean：姿勢モデルのテストでの品質と完全一致（%）。",
    "10_pose_model_tests": "プロトコルclean：姿勢モデルとHigherHRNetの差（ポイント）。",
}
