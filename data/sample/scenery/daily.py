"""Activities of daily life: the verbs that differ by what is in the hand or on the table."""

from dataclasses import replace

from scenery import furniture, handheld, mounts
from scenery.postures import (
    Doing,
    Rng,
    add_seat,
    any_colour,
    lying,
    pick,
    seated,
    shoulder_height,
    sitting,
    standing,
    upright,
    walking,
)
from scenery.shapes import Parts, moved


def idle(rng: Rng) -> Doing:
    doing = Doing(standing(rng))
    doing.does("stand")
    return doing


def sit(rng: Rng) -> Doing:
    return seated(rng)


def hold_something(rng: Rng) -> Doing:
    """Stand or sit with a cup, bottle, bag or umbrella, without using it."""
    doing = upright(rng, 0.3, right_hand=(0.15, -0.12, -0.16))
    category, parts = pick(
        rng,
        (
            ("cup", handheld.cup(any_colour(rng))),
            ("bottle", handheld.bottle((70, 140, 90))),
            ("umbrella", handheld.umbrella(any_colour(rng))),
            ("wine glass", handheld.wine_glass()),
            ("cell phone", handheld.phone()),
        ),
    )
    doing.does("hold", obj=doing.hand("right", category, parts))
    return doing


def walk(rng: Rng) -> Doing:
    doing = Doing(walking(rng))
    doing.moves(rng, "walk")
    if rng.random() < 0.45:
        bag = doing.hand("right", "handbag", handheld.handbag(any_colour(rng)))
        doing.does("hold", obj=bag)
        doing.does("carry", obj=bag)
    return doing


def carry(rng: Rng) -> Doing:
    """Walk or stand with a suitcase or a backpack."""
    walks = rng.random() < 0.6
    pose = (
        walking(rng, right_hand=(0.02, -0.2, 0.47)) if walks else standing(rng, right_hand=(0.02, -0.2, 0.47))
    )
    doing = Doing(pose)
    if walks:
        doing.moves(rng, "walk")
    else:
        doing.does("stand")
    if rng.random() < 0.5:
        load = doing.hand("right", "suitcase", handheld.suitcase(any_colour(rng)))
        doing.does("hold", obj=load)
    else:
        load = doing.add("backpack", handheld.backpack(any_colour(rng)), (-0.1, 0, 0.7))
    doing.does("carry", obj=load)
    return doing


def carry_board(rng: Rng) -> Doing:
    """Walk with a surfboard under the arm: the board without the surfing."""
    doing = Doing(walking(rng, right_hand=(0.04, -0.23, 0.53)))
    load = doing.add(
        "surfboard", mounts.board(1.15, 0.26, any_colour(rng)), (0.05, -0.19, 0.6), yaw=90, pitch=86
    )
    for verb in ("carry", "hold"):
        doing.does(verb, obj=load)
    doing.moves(rng, "walk")
    return doing


def carry_skis(rng: Rng) -> Doing:
    """Walk with skis on the shoulder: the skis without the skiing."""
    doing = Doing(walking(rng, right_hand=(0.17, -0.12, 0.84), elbows=(0.1, 0.8, -0.8)))
    load = doing.add(
        "skis",
        mounts.ski(any_colour(rng)) + moved(mounts.ski(any_colour(rng)), (0, 0.03, 0.0)),
        (0.0, -0.13, 0.85),
        pitch=-12,
    )
    for verb in ("carry", "hold"):
        doing.does(verb, obj=load)
    doing.moves(rng, "walk")
    return doing


def talk_on_phone(rng: Rng) -> Doing:
    ear = {"right_hand": (0.035, -0.085, 0.06), "elbows": (0.2, 0.7, -1.0)}
    if rng.random() < 0.25:
        doing = Doing(walking(rng, right_hand=(0.035, -0.085, 0.86), elbows=ear["elbows"]))
        doing.moves(rng, "walk")
    else:
        doing = upright(rng, 0.4, **ear)
    phone = doing.hand(
        "right",
        "cell phone",
        handheld.phone(pick(rng, ((45, 45, 50), (220, 220, 225), (190, 50, 60)))),
        pitch=15,
    )
    doing.does("talk_on_phone", instr=phone)
    doing.does("hold", obj=phone)
    return doing


def work_on_computer(rng: Rng) -> Doing:
    doing = seated(
        rng,
        left_hand=(0.25, 0.06, 0.46),
        right_hand=(0.25, -0.06, 0.46),
        head_pitch=24,
        lean=rng.uniform(0, 10),
    )
    doing.add(
        "dining table",
        furniture.table(pick(rng, ((170, 125, 80), (225, 222, 215), (110, 80, 60)))),
        (0.16, 0, 0),
    )
    laptop = doing.add("laptop", furniture.laptop((190, 192, 196)), (0.31, 0, 0.42))
    doing.does("work_on_computer", instr=laptop)
    if rng.random() < 0.85:
        doing.does("look", obj=laptop)
    doing.room = 0.6
    return doing


def read(rng: Rng) -> Doing:
    doing = upright(rng, 0.75, left_hand=(0.2, 0.08, -0.17), right_hand=(0.2, -0.08, -0.17), head_pitch=34)
    book = doing.add(
        "book", handheld.book(any_colour(rng)), (0.22, 0, shoulder_height(doing.pose) - 0.13), pitch=22
    )
    doing.does("read", obj=book)
    doing.does("hold", obj=book)
    doing.does("look", obj=book)
    return doing


def _food(rng: Rng) -> tuple[str, Parts]:
    return pick(
        rng,
        (
            ("pizza", handheld.pizza()),
            ("sandwich", handheld.sandwich()),
            ("hot dog", handheld.hot_dog()),
            ("donut", handheld.donut()),
            ("banana", handheld.banana()),
            ("apple", handheld.apple()),
        ),
    )


def eat(rng: Rng) -> Doing:
    """Bring food to the mouth, or a fork from a cake on the table."""
    doing = upright(rng, 0.6, right_hand=(0.125, -0.06, 0.005), elbows=(0.2, 0.9, -0.9), head_pitch=12)
    if "sit" in doing.verbs and rng.random() < 0.5:
        doing.add("dining table", furniture.table(pick(rng, ((170, 125, 80), (235, 232, 225)))), (0.18, 0, 0))
        dish, parts = pick(rng, (("cake", handheld.cake()), ("pizza", handheld.whole_pizza())))
        meal = doing.add(dish, parts, (0.36, 0, 0.42))
        fork = doing.hand("right", "fork", handheld.fork(), pitch=-50)
        doing.does("eat", obj=meal, instr=fork)
        doing.does("hold", obj=fork)
        doing.room = 0.6
    else:
        category, parts = _food(rng)
        meal = doing.hand("right", category, parts)
        doing.does("eat", obj=meal)
        doing.does("hold", obj=meal)
    if rng.random() < 0.25:
        doing.does("look", obj=meal)
    return doing


def drink(rng: Rng) -> Doing:
    doing = upright(rng, 0.5, right_hand=(0.13, -0.05, 0.01), elbows=(0.2, 0.9, -0.9), head_pitch=-10)
    category, parts = pick(
        rng,
        (
            ("cup", handheld.cup(any_colour(rng))),
            ("bottle", handheld.bottle((60, 130, 170))),
            ("wine glass", handheld.wine_glass()),
        ),
    )
    vessel = doing.hand("right", category, parts, pitch=-40)
    doing.does("drink", instr=vessel)
    doing.does("hold", obj=vessel)
    return doing


def cut(rng: Rng) -> Doing:
    """Stand or sit at a table and cut what lies on it."""
    sits = rng.random() < 0.35
    top = 0.42 if sits else 0.5
    hands = {"left_hand": (0.27, 0.07, top + 0.05), "right_hand": (0.26, -0.05, top + 0.06)}
    build = sitting if sits else standing
    doing = Doing(build(rng, lean=10, head_pitch=38, **hands), room=0.6)
    if sits:
        doing.does("sit", instr=add_seat(rng, doing))
    else:
        doing.does("stand")
    doing.add(
        "dining table",
        furniture.table(pick(rng, ((170, 125, 80), (235, 232, 225))), height=top),
        (0.17, 0, 0),
    )
    category, parts = pick(
        rng,
        (
            ("cake", handheld.cake()),
            ("pizza", handheld.whole_pizza()),
            ("carrot", handheld.carrot()),
            ("sandwich", handheld.sandwich()),
        ),
    )
    food = doing.add(category, parts, (0.34, 0.02, top + (0.0 if category in ("cake", "pizza") else 0.03)))
    knife = doing.hand("right", "knife", handheld.knife(), pitch=20, yaw=20)
    doing.does("cut", obj=food, instr=knife)
    doing.does("hold", obj=knife)
    if rng.random() < 0.7:
        doing.does("look", obj=food)
    return doing


def lay(rng: Rng) -> Doing:
    """Lie on a bed, with a book or phone sometimes."""
    doing = Doing(lying(rng, 0.315), room=0.8)
    doing.does("lay", instr=doing.add("bed", furniture.bed(any_colour(rng))))
    choice = rng.random()
    if choice < 0.2:
        doing.pose = replace(
            doing.pose,
            left_hand=(-0.28, 0.07, 0.53),
            right_hand=(-0.28, -0.07, 0.53),
            elbows=(0.5, 0.8, 0.0),
            head_pitch=-45,
        )
        book = doing.add("book", handheld.book(any_colour(rng)), (-0.27, 0, 0.56), pitch=-70)
        for verb in ("read", "hold", "look"):
            doing.does(verb, obj=book)
    elif choice < 0.35:
        doing.pose = replace(doing.pose, right_hand=(-0.35, -0.1, 0.36), elbows=(0.3, 1.0, 0.3))
        phone = doing.hand("right", "cell phone", handheld.phone())
        doing.does("talk_on_phone", instr=phone)
        doing.does("hold", obj=phone)
    return doing


def lay_outdoors(rng: Rng) -> Doing:
    """Lie on the grass or sand, hands behind the head."""
    doing = Doing(lying(rng, 0.075), room=0.7)
    if rng.random() < 0.5:
        doing.pose = replace(
            doing.pose,
            left_hand=(-0.42, 0.05, 0.06),
            right_hand=(-0.42, -0.05, 0.06),
            elbows=(-0.5, 1.0, 0.0),
        )
    doing.does("lay")
    return doing


def point(rng: Rng) -> Doing:
    aim = pick(rng, ((0.31, -0.12, 0.02), (0.2, -0.33, 0.05), (0.2, -0.2, 0.2)))
    doing = upright(rng, 0.1, right_hand=aim, elbows=(0.0, 0.3, -1.0), head_yaw=-30)
    doing.does("point")
    return doing
