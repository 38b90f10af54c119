"""The text in figures: English as it stands in the code, Japanese from this table."""

# fmt: off
JAPANESE = {
    "hold": "持つ", "stand": "立つ", "sit": "座る", "ride": "乗る", "walk": "歩く", "look": "見る",
    "hit": "打つ", "eat": "食べる", "jump": "跳ぶ", "lay": "横たわる", "talk_on_phone": "電話する",
    "carry": "運ぶ", "throw": "投げる", "catch": "捕る", "cut": "切る", "run": "走る",
    "work_on_computer": "パソコンを使う", "ski": "スキー", "surf": "サーフィン",
    "skateboard": "スケートボード", "smile": "笑う", "drink": "飲む", "kick": "蹴る", "point": "指差す",
    "read": "読む", "snowboard": "スノーボード",
    "train": "訓練", "val": "検証", "test": "テスト",
    "left": "左", "top": "上", "right": "右", "bottom": "下",
    "none": "なし", "labels (log scale)": "ラベル数（対数）", "verbs per person": "一人あたりの動詞数",
    "share of people": "人の割合", "box area / image area (log scale)": "枠の面積 / 画像の面積（対数）",
    "share of people with the verb below, given the verb at left":
        "左の動詞をもつ人のうち、下の動詞ももつ人の割合",
    "share of people with smaller boxes": "より小さい枠の人の割合",
    "box touches the image's border": "画像の端に接する辺",
    "no pose": "姿勢なし", "pose score": "姿勢スコア", "split (mean score)": "分割（平均スコア）",
    "share of people with a lower score": "より低いスコアの人の割合",
    "found, % of people": "検出された人の割合（%）",
    "head": "頭", "shoulders": "肩", "elbows": "肘", "wrists": "手首", "hips": "腰", "knees": "膝",
    "ankles": "足首",
    "epoch": "エポック", "exact match on test, %": "テストの完全一致（%）", "thesis": "論文",
    "CLIP only": "CLIPのみ", "CLIP + pose": "CLIP＋姿勢", "pose only": "姿勢のみ",
    "verb frequency": "動詞の頻度", "most frequent set": "最頻の動詞集合",
    "one seed, as the thesis": "論文と同じ（乱数種1つ）", "all seeds, same people": "全乱数種・同じ人物",
    "all": "全員", "score >= 0.5": "スコア0.5以上", "score < 0.5": "スコア0.5未満",
    "CLIP full + pose": "CLIP全体＋姿勢", "trained on everybody": "全員で訓練",
    "hidden joints": "隠れた関節", "cut by border": "画像の端で切断",
    "box area, log2 px": "枠の面積（log2 px）",
    "no": "なし", "yes": "あり", "posture": "姿勢", "object": "物体", "scene": "場面", "face": "顔",
    "other": "その他",
    "posture - all others": "姿勢 − その他",
    "CLIP + pose less CLIP only, points": "CLIP＋姿勢 − CLIPのみ（ポイント）",
    "model": "モデル", "image": "画像", "nobody was found": "人は見つかりません",
    "no verb above its threshold": "閾値を超える動詞なし",
    "trained on confident": "高スコアで訓練", "trained on random": "無作為で訓練",
    "accuracy on validation, %": "検証の正解率（%）", "average precision, %": "平均適合率（%）",
    "majority class": "最頻クラス", "logistic regression": "ロジスティック回帰",
    "random forest": "ランダムフォレスト", "NN + dropout": "NN＋ドロップアウト",
    "NN + batch norm": "NN＋バッチ正規化", "NN + both": "NN＋両方", "box": "枠内座標",
    "pixels": "画素座標", "theirs (STAIR Actions)": "元研究（STAIR Actions）",
    "zero-shot, whole image": "ゼロショット（全体）", "zero-shot, crop": "ゼロショット（切り出し）",
    "trained, crop": "訓練（切り出し）", "true keypoints": "真のキーポイント",
    # Notebook 08
    "difference, points": "差（ポイント）", "reference": "基準", "verdict": "判定",
    "helps": "有効", "hurts": "有害", "no difference shown": "差は示されず",
    "difference_low": "95%下限", "difference_high": "95%上限", "macro_F1": "マクロF1",
    "CLIP": "CLIP", "unit CLIP": "単位CLIP", "true pose": "真の姿勢", "true objects": "真の物体",
    "both": "両方",
    "pose": "姿勢", "pose pixels": "姿勢（画素）", "pose by crop": "姿勢（切り出し）",
    "pose by box": "姿勢（枠）",
    "pose by torso": "姿勢（胴体）", "pose standard": "姿勢（標準化）", "CLIP crop": "CLIP切り出し",
    "CLIP full": "CLIP全体", "full": "全体", "joints": "関節", "MLP": "MLP", "late": "後期融合",
    "gated": "ゲート", "shuffled": "入替", "true": "真値", "pose hidden below 0.5": "0.5未満の姿勢を隠す",
    "true K": "真のK", "probability 0.5": "確率0.5", "one threshold": "単一閾値",
    "threshold per verb": "動詞別閾値", "estimated K": "推定K", "seen set": "既出の集合",
    "predicted": "予測数", "zero-shot": "ゼロショット", "cached neighbours": "近傍キャッシュ",
    "text probe": "文初期化プローブ", "CLIP (train + val)": "CLIP（訓練＋検証）",
    # Headings and names of rows in tables; the drawing of the model
    "verb": "動詞", "split": "分割", "people": "人物", "with a pose": "姿勢あり", "mean score": "平均スコア",
    "reason": "理由", "image cannot be read": "画像を読めない",
    "box under 32 px wide or high": "枠の幅か高さが32画素未満",
    "COCO's annotators marked no joint either": "COCOの注釈にも関節がない",
    "the network found nobody": "ネットワークが誰も検出しなかった",
    "method": "方法", "CLIP zero-shot": "CLIPゼロショット", "linear probe": "線形プローブ",
    "arm": "モデル", "arms": "モデルの差", "used": "使用", "image unreadable": "画像不可", "rule": "規則",
    "exact": "完全一致", "partial": "部分一致", "low": "95%下限", "high": "95%上限", "seeds_sd": "乱数種のSD",
    "epoch chosen on val": "検証で選択", "epoch chosen on test": "テストで選択", "optimism": "過大評価",
    "difference": "差", "only_first": "前者のみ正解", "only_second": "後者のみ正解",
    "mcnemar_p": "McNemarのp", "ours": "再現", "source": "出典", "labels": "ラベル数",
    "test people": "テストの人数", "without a pose": "姿勢なし", "without rare verbs": "稀な動詞を除く",
    "everybody": "全員で訓練", "confident": "高スコアで訓練", "random": "無作為で訓練",
    "person's crop": "人物の切り出し", "frozen": "固定", "concatenated": "連結",
    "trained": "訓練される", "a logit per verb": "動詞ごとのロジット",
    "p_holm": "p（Holm）", "highest_p_holm": "補正後の最大のp",
    "lowest_p": "最小のp", "highest_p": "最大のp", "significant": "有意か",
    "always": "常に", "never": "決してない", "depends on the pairing": "対応の仕方による",
    "group": "群", "verbs": "動詞", "experiment": "実験", "nearly_best": "ほぼ最良", "best": "最良",
    "highest": "最高", "fall": "低下", "factor": "要因", "value": "値", "outcome": "目的変数",
    "effect": "効果", "claim": "主張", "evidence": "根拠", "holds": "成り立つ",
    "does not hold": "成り立たない", "cannot be told": "判断できない",
    "see notebook 08": "ノートブック08を参照", "by seed": "乱数種ごと", "corrected p": "補正後のp",
    "person": "人物", "score": "スコア", "truth": "正解",
    "Adding pose makes CLIP worse (experiment 1)": "姿勢を加えるとCLIPは悪くなる（実験1）",
    "… with the same view of CLIP, too (2)": "……CLIPの入力が同じでも（実験2）",
    "… on people with a confident pose, too (3)": "……姿勢スコアの高い人物でも（実験3）",
    "… trained on confident poses, too (4)": "……スコアの高い姿勢で訓練しても（実験4）",
    "Pose alone is behind CLIP": "姿勢のみはCLIPに及ばない",
    "CLIP + pose is better at ride": "「乗る」ではCLIP＋姿勢が優る",
    "CLIP + pose is better at walk": "「歩く」ではCLIP＋姿勢が優る",
    "CLIP + pose is better at work_on_computer": "「パソコンを使う」ではCLIP＋姿勢が優る",
    "CLIP only is nearly at its best after about 3 epochs": "CLIPのみは約3エポックでほぼ最良に達する",
    "CLIP only peaks near epoch 15": "CLIPのみはエポック15付近で最高になる",
    "CLIP + pose learns more slowly, epochs": "CLIP＋姿勢の学習は遅い（エポック）",
    "CLIP only overfits after its peak": "CLIPのみは最高の後に過学習する",
    "Pose does better where posture decides": "姿勢で決まる動詞では姿勢が有効である",
    "Pose does better with a higher score": "姿勢スコアが高いほど姿勢は有効である",
    "Pose does worse where joints are hidden": "関節が隠れると姿勢は有効でない",
    "Pose does worse where boxes are cut off": "枠が切れると姿勢は有効でない",
    "Raw pixel coordinates are the wrong form": "生の画素座標は形式として適さない",
}
# fmt: on

# What stands between parts of a text, in the order in which it is split.
IN_JAPANESE = {" - ": " − ", " + ": "＋", ", ": "、", ": ": "：", " = ": " = ", " to ": "〜"}

# Columns whose names are no words.
ENGLISH = {
    "exact": "exact match",
    "partial": "partial match",
    "low": "95 % low",
    "high": "95 % high",
    "seeds_sd": "SD of seeds",
    "only_first": "only first right",
    "only_second": "only second right",
    "mcnemar_p": "McNemar p",
    "p_holm": "corrected p",
    "highest_p_holm": "highest p, corrected",
    "difference_low": "95 % low",
    "difference_high": "95 % high",
}


def comma(language: str) -> str:
    """Return what stands between the words of a list."""
    return "、" if language == "ja" else ", "


def text(words: str, language: str) -> str:
    """Translate a verb, a label or a heading; English verbs lose their underscores.

    What the tables lack is translated in parts: "one - other", then "one, other", "what: value" and the like.
    """
    if language == "ja" and words in JAPANESE:
        return JAPANESE[words]
    if language == "en" and words in ENGLISH:
        return ENGLISH[words]
    marks = IN_JAPANESE if language == "ja" else {" - ": " − "}
    for separator, written in marks.items():
        if separator in words:
            return written.join(text(part, language) for part in words.split(separator))
    return (words if language == "ja" else words.replace("_", " ")).replace(">=", "≥")
