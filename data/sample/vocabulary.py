"""COCO's 80 categories, its keypoint skeleton, and V-COCO's roles, as the official files list them."""

from lib.coco import SKELETON

GROUPS = {
    "person": {1: "person"},
    "vehicle": {
        2: "bicycle",
        3: "car",
        4: "motorcycle",
        5: "airplane",
        6: "bus",
        7: "train",
        8: "truck",
        9: "boat",
    },
    "outdoor": {10: "traffic light", 11: "fire hydrant", 13: "stop sign", 14: "parking meter", 15: "bench"},
    "animal": {
        16: "bird",
        17: "cat",
        18: "dog",
        19: "horse",
        20: "sheep",
        21: "cow",
        22: "elephant",
        23: "bear",
        24: "zebra",
        25: "giraffe",
    },
    "accessory": {27: "backpack", 28: "umbrella", 31: "handbag", 32: "tie", 33: "suitcase"},
    "sports": {
        34: "frisbee",
        35: "skis",
        36: "snowboard",
        37: "sports ball",
        38: "kite",
        39: "baseball bat",
        40: "baseball glove",
        41: "skateboard",
        42: "surfboard",
        43: "tennis racket",
    },
    "kitchen": {44: "bottle", 46: "wine glass", 47: "cup", 48: "fork", 49: "knife", 50: "spoon", 51: "bowl"},
    "food": {
        52: "banana",
        53: "apple",
        54: "sandwich",
        55: "orange",
        56: "broccoli",
        57: "carrot",
        58: "hot dog",
        59: "pizza",
        60: "donut",
        61: "cake",
    },
    "furniture": {62: "chair", 63: "couch", 64: "potted plant", 65: "bed", 67: "dining table", 70: "toilet"},
    "electronic": {72: "tv", 73: "laptop", 74: "mouse", 75: "remote", 76: "keyboard", 77: "cell phone"},
    "appliance": {78: "microwave", 79: "oven", 80: "toaster", 81: "sink", 82: "refrigerator"},
    "indoor": {
        84: "book",
        85: "clock",
        86: "vase",
        87: "scissors",
        88: "teddy bear",
        89: "hair drier",
        90: "toothbrush",
    },
}
CATEGORIES = {name: (number, group) for group, names in GROUPS.items() for number, name in names.items()}

SKELETON_FROM_1 = [[a + 1, b + 1] for a, b in SKELETON]  # as COCO counts

SEATS = [
    "bicycle",
    "motorcycle",
    "horse",
    "elephant",
    "bench",
    "chair",
    "couch",
    "bed",
    "toilet",
    "dining table",
    "suitcase",
    "handbag",
    "backpack",
]
RIDES = ["bicycle", "motorcycle", "bus", "truck", "boat", "train", "airplane", "car", "horse", "elephant"]
FOOD = ["banana", "apple", "sandwich", "orange", "carrot", "broccoli", "hot dog", "pizza", "cake", "donut"]
BOARDS = ["snowboard", "skis", "skateboard", "surfboard"]
BALLS = ["sports ball", "frisbee"]

# verb -> role -> the categories that may play it (empty: any); the agent comes before these
ROLES: dict[str, dict[str, list[str]]] = {
    "hold": {"obj": []},
    "stand": {},
    "sit": {"instr": SEATS},
    "ride": {"instr": RIDES},
    "walk": {},
    "look": {"obj": []},
    "hit": {"instr": ["tennis racket", "baseball bat"], "obj": ["sports ball"]},
    "eat": {"obj": FOOD, "instr": ["fork", "knife", "spoon"]},
    "jump": {"instr": BOARDS},
    "lay": {"instr": ["bench", "dining table", "toilet", "bed", "couch", "chair"]},
    "talk_on_phone": {"instr": ["cell phone"]},
    "carry": {"obj": []},
    "throw": {"obj": BALLS},
    "catch": {"obj": BALLS},
    "cut": {"instr": ["scissors", "fork", "knife"], "obj": []},
    "run": {},
    "work_on_computer": {"instr": ["laptop"]},
    "ski": {"instr": ["skis"]},
    "surf": {"instr": ["surfboard"]},
    "skateboard": {"instr": ["skateboard"]},
    "smile": {},
    "drink": {"instr": ["wine glass", "bottle", "cup", "bowl"]},
    "kick": {"obj": ["sports ball"]},
    "point": {"instr": []},
    "read": {"obj": ["book"]},
    "snowboard": {"instr": ["snowboard"]},
}
