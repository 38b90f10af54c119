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
    "model": "モデル", "image": "画像", "nobody was found": "人は見つかりません",
    "no verb above its threshold": "閾値を超える動詞なし",
    "trained on confident": "高スコアで訓練", "trained on random": "無作為で訓練",
}
# fmt: on


def text(words: str, language: str) -> str:
    """Translate a verb or a label; English verbs lose their underscores."""
    return JAPANESE.get(words, words) if language == "ja" else words.replace("_", " ")
