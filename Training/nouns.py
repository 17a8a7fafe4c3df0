"""Names of things: how a cut-out or an annotated instance may be called.

Every object carries a set of valid singular names.  A phrase built on a name
denotes exactly the objects whose set holds it, so synonyms and hypernyms
("taxi" is also a "car") have to be listed here or a phrase would be wrong.
"""
import re

# Last words that are a fair name by themselves ("red apple" is an "apple").
HEADS = set("""train bus taxi car truck boat ship airplane cat dog bear camel whale fish apple pepper bread
cake ball book clock padlock key tree shirt hat boot shoe helmet mug heart balloon fruit flower cup
locomotive tram rocket helicopter tractor ambulance motorcycle bicycle scooter castle house church mosque hotel school bank
hospital tower building mountain guitar drum camera microphone phone television radio keyboard mouse laptop computer printer
umbrella chair bed toilet bathtub couch door window candle lamp bucket basket broom hammer wrench axe
screwdriver saw ladder sponge razor mirror glass glasses bag purse handbag backpack dress coat scarf jeans necktie shorts socks gloves
sandal crown ring watch kite medal trophy paddle racket skis pizza sandwich banana carrot potato tomato onion
mushroom egg cheese cookie doughnut candy pie pancakes noodles soup salad rice bottle leaf plant cactus rose tulip sunflower
bird duck owl eagle parrot swan chick monkey tiger lion rabbit horse pig cow goat sheep fox
wolf butterfly bee spider snake turtle frog crab shrimp robot skull ghost alien star moon sun cloud
pencil pen crayon envelope scissors newspaper calendar briefcase folder coin fork knife spoon bowl pan pot""".split())

# Names that the rule below would get wrong; the first one is the main name.
FIXED = {
    "hot dog": "hot dog", "teddy bear": "teddy bear,bear toy", "polar bear": "polar bear,bear", "black cat": "black cat,cat",
    "service dog": "dog", "poodle": "poodle,dog", "ewe": "sheep", "ram": "ram,sheep", "ox": "ox,cow", "water buffalo": "buffalo,cow",
    "hatching chick": "chick,bird", "baby chick": "chick,bird", "front-facing baby chick": "chick,bird", "two-hump camel": "camel",
    "honeybee": "bee", "ladybug": "ladybug,bug", "blowfish": "fish", "tropical fish": "fish", "spouting whale": "whale",
    "T-Rex": "dinosaur", "sauropod": "dinosaur", "seashell": "shell", "hippopotamus": "hippo", "rhinoceros": "rhino",
    "dove": "dove,bird", "bird": "bird", "eagle": "eagle,bird", "duck": "duck,bird", "owl": "owl,bird", "parrot": "parrot,bird",
    "swan": "swan,bird", "flamingo": "flamingo,bird", "peacock": "peacock,bird", "penguin": "penguin,bird", "turkey": "turkey,bird",
    "rooster": "rooster,chicken,bird", "chicken": "chicken,bird", "dodo": "bird", "rat": "rat,mouse", "mouse": "mouse,rat",
    "mouse face": "mouse,rat", "bison": "bison,cow", "gorilla": "gorilla,monkey", "orangutan": "orangutan,monkey",
    "racing car": "race car,car", "steam locomotive": "steam train,train", "railway car": "train car,train", "high-speed train": "train",
    "bullet train": "train", "metro": "train", "light rail": "train", "tram": "tram,train", "tram car": "tram,train",
    "monorail": "train", "mountain railway": "train", "suspension railway": "train", "front of a bus": "bus", "trolleybus": "bus",
    "minibus": "minibus,van,bus", "fire engine": "fire truck,truck", "police car": "police car,car", "front of a police car": "police car,car",
    "taxi": "taxi,car", "front of a taxi": "taxi,car", "front of a car": "car", "sport utility vehicle": "suv,car",
    "delivery truck": "delivery truck,truck", "semi-trailer truck": "truck", "pickup truck": "pickup truck,truck,pickup", "ship": "ship,boat",
    "speedboat": "speedboat,boat", "motor boat": "motor boat,boat", "passenger ship": "ship,boat", "ferry": "ferry,boat,ship",
    "sailboat": "sailboat,boat", "canoe": "canoe,boat", "small airplane": "small plane,airplane,plane", "airplane": "airplane,plane",
    "motorcycle": "motorcycle,motorbike", "bicycle": "bicycle,bike", "motor scooter": "scooter", "kick scooter": "scooter",
    "auto rickshaw": "rickshaw", "motorized wheelchair": "wheelchair", "manual wheelchair": "wheelchair", "flying saucer": "ufo",
    "luggage": "suitcase,luggage", "couch and lamp": "couch,sofa", "horizontal traffic light": "traffic light", "beach umbrella": "umbrella",
    "vertical traffic light": "traffic light", "closed umbrella": "umbrella", "woman's hat": "hat", "woman's boot": "boot,shoe",
    "running shoe": "sneaker,shoe", "high-heeled shoe": "high heel,shoe", "woman's sandal": "sandal,shoe", "hiking boot": "boot,shoe",
    "flat shoe": "shoe", "ballet shoes": "ballet shoes", "necktie": "tie,necktie", "woman's clothes": "blouse,shirt",
    "sleeveless sports shirt": "shirt", "t-shirt": "t-shirt,shirt", "baseball cap": "cap,hat", "top hat": "top hat,hat",
    "military helmet": "helmet", "rescue worker's helmet": "helmet", "purse": "purse,bag", "handbag": "handbag,bag", "clutch bag": "bag,handbag",
    "shopping bags": "shopping bags,bags", "mobile phone": "cell phone,phone", "telephone": "telephone,phone", "telephone receiver": "phone",
    "television": "tv,television", "desktop computer": "computer", "computer mouse": "computer mouse,mouse", "flying disc": "frisbee",
    "basketball": "basketball,ball", "soccer ball": "soccer ball,ball", "baseball": "baseball,ball", "volleyball": "volleyball,ball",
    "softball": "ball", "american football": "football,ball", "rugby football": "football,ball", "tennis racket and ball": "tennis racket",
    "cricket bat and ball": "bat and ball", "bowling ball and pins": "bowling ball", "black billiard ball": "billiard ball,ball",
    "cup with straw": "cup,drink", "cup of hot drink": "cup,coffee", "teacup without handle": "cup,tea", "bottle with popping cork": "bottle",
    "fork and knife with plate": "plate", "fork and knife": "fork and knife", "bowl with spoon": "bowl", "bowl of noodles": "bowl of noodles,bowl",
    "cooked rice": "bowl of rice,bowl", "curry rice": "curry", "green salad": "salad", "pot of food": "pot", "shallow pan of food": "pan",
    "fried egg in a pan": "pan,fried egg", "wine glass": "wine glass,glass", "cocktail glass": "cocktail,glass", "tropical drink": "drink,cocktail",
    "beer mug": "beer,mug", "clinking beer mugs": "beers", "clinking glasses": "champagne glasses", "tumbler glass": "glass", "glass of milk": "milk,glass",
    "doughnut": "donut,doughnut", "tangerine": "orange,tangerine", "birthday cake": "cake,birthday cake", "shortcake": "slice of cake,cake",
    "soft-serve ice cream cone": "ice cream,ice cream cone", "ear of corn": "corn", "red apple": "red apple,apple", "green apple": "green apple,apple",
    "hot pepper": "chili pepper,pepper", "bell pepper": "bell pepper,pepper", "kitchen knife": "knife", "dagger": "dagger,knife", "potted plant": "potted plant,plant",
    "herb": "herb,plant", "seedling": "plant,seedling", "evergreen tree": "pine tree,tree", "deciduous tree": "tree", "palm tree": "palm tree,tree",
    "Christmas tree": "christmas tree,tree", "tulip": "tulip,flower", "cherry blossom": "pink flower,flower", "rose": "rose,flower", "hibiscus": "hibiscus,flower",
    "sunflower": "sunflower,flower", "blossom": "flower", "lotus": "lotus,flower", "wilted flower": "flower", "bouquet": "bouquet,flowers",
    "closed book": "book", "open book": "open book,book", "green book": "green book,book", "blue book": "blue book,book", "orange book": "orange book,book",
    "notebook with decorative cover": "notebook,book", "notebook": "notebook", "mantelpiece clock": "clock", "alarm clock": "alarm clock,clock",
    "timer clock": "timer,clock", "clock": "clock", "robot": "robot", "amphora": "vase", "funeral urn": "urn,vase", "seat": "seat,chair",
    "carp streamer": "fish flag", "Japanese dolls": "dolls", "Statue of Liberty": "statue", "Tokyo tower": "tower", "tent": "tent", "circus tent": "circus tent,tent",
    "crystal ball": "crystal ball", "mirror ball": "disco ball", "closed padlock": "padlock,lock", "open padlock": "padlock,lock", "old key": "key",
    "black nib": "pen", "fountain pen": "pen", "carpentry saw": "saw", "globe with meridians": "globe", "sun with face": "sun", "glowing star": "star",
    "takeout box": "takeout box,box", "package": "package,box", "bento box": "bento box", "juice box": "juice box", "toolbox": "toolbox",
    "house with garden": "house", "houses": "houses", "derelict house": "old house,house", "ice skate": "ice skate", "hot pot": "pot",
    "long drum": "drum", "musical keyboard": "piano", "keyboard": "keyboard", "studio microphone": "microphone", "video camera": "video camera,camera",
    "movie camera": "movie camera,camera", "pile of poo": "poop", "mouse trap": "mouse trap", "baby bottle": "baby bottle,bottle", "lotion bottle": "bottle",
    "meat on bone": "meat", "raw steak": "steak,meat", "french fries": "fries", "baguette bread": "bread,baguette", "roasted sweet potato": "sweet potato",
    "cheese wedge": "cheese", "can of food": "can", "leafy green": "lettuce", "fish cake with swirl": "fish cake", "moon cake": "moon cake",
}

SKIP_WORDS = ("backhand", "index", "fist", "facing", "hand ", "hands", "salute", "fingers", "biceps", "nail polish", "gesture", "railway track", "spider web")
SKIP_GROUPS = {"body_part"}
MEN = {"man", "men", "boy", "prince", "merman", "santa"}
WOMEN = {"woman", "women", "girl", "princess", "mermaid", "mrs.", "bride"}
ROLES = set("""singer police detective guard ninja superhero farmer cook student artist teacher mechanic scientist astronaut firefighter
judge pilot baby child girl boy worker snowboarder skier zombie vampire fairy elf mage genie mermaid princess prince superhero""".split())


def _names(text):
    return {n.strip() for n in text.split(",")}


# What main names are kinds of, and those of which one may argue: where such a thing is, nothing is said of the kind.
KINDS = {
    "animal": _names("""badger, bear, beaver, bird, bison, black cat, boar, buffalo, camel, cat, chick, chicken, chipmunk, cow, crocodile, deer, dog, dolphin, dove, duck,
        eagle, elephant, fish, flamingo, fox, frog, giraffe, goat, gorilla, hamster, hedgehog, hippo, horse, kangaroo, koala, leopard, lion, lizard, llama, mammoth, monkey,
        mouse, octopus, orangutan, otter, owl, ox, panda, parrot, peacock, penguin, pig, polar bear, poodle, rabbit, raccoon, ram, rat, rhino, rooster, seal, shark, sheep,
        skunk, sloth, snake, swan, tiger, turkey, turtle, whale, wolf, zebra"""),
    "vehicle": _names("""airplane, ambulance, bicycle, boat, bus, car, delivery truck, ferry, fire truck, helicopter, minibus, motor boat, motorcycle, pickup truck, police car,
        race car, rickshaw, sailboat, scooter, ship, small plane, speedboat, steam train, suv, taxi, tractor, train, train car, tram, truck, van"""),
    "fruit": _names("apple, banana, blueberries, cherries, grapes, green apple, kiwi fruit, lemon, mango, melon, orange, peach, pear, pineapple, red apple, strawberry, watermelon"),
    "vegetable": _names("bell pepper, broccoli, carrot, corn, cucumber, eggplant, garlic, lettuce, onion, potato, sweet potato"),
    "insect": _names("ant, bee, beetle, bug, butterfly, cockroach, cricket, fly, ladybug, mosquito"),
    "instrument": _names("accordion, banjo, drum, guitar, piano, postal horn, saxophone, trumpet, violin"),
}
ARGUABLE = {
    "animal": KINDS["insect"] | _names("""bat, bear toy, carousel horse, coral, crab, dinosaur, dolls, dragon, empty nest, feather, fried shrimp, lobster, mermaid, nest with eggs, oyster, scorpion,
        shell, shrimp, snail, spider, squid, teddy bear, unicorn, worm, fish flag, face"""),
    "vehicle": _names("""aerial tramway, canoe, carousel horse, ferris wheel, mountain cableway, parachute, rocket, roller coaster, satellite, shopping cart, skateboard, skis, sled, snowboard,
        surfboard, ufo, wheel, wheelchair"""),
    "fruit": _names("avocado, bell pepper, chestnut, chili pepper, coconut, corn, cucumber, eggplant, olive, tomato"),
    "vegetable": _names("avocado, beans, chestnut, chili pepper, herb, jack-o-lantern, mushroom, olive, peanuts, plant, salad, seedling, tomato"),
    "insect": _names("bat, scorpion, snail, spider, worm"),
    "instrument": _names("bell, headphone, keyboard, microphone, radio, whistle"),
}

# COCO categories: other ways to say the same thing.
COCO_SYNONYMS = {
    "person": "person", "tv": "tv,television", "couch": "couch,sofa", "cell phone": "cell phone,phone", "donut": "donut,doughnut",
    "bicycle": "bicycle,bike", "motorcycle": "motorcycle,motorbike", "airplane": "airplane,plane", "dining table": "table,dining table",
    "sports ball": "ball", "potted plant": "potted plant,plant", "handbag": "handbag,bag,purse", "refrigerator": "refrigerator,fridge",
    "wine glass": "wine glass,glass", "mouse": "computer mouse,mouse", "remote": "remote,remote control", "hair drier": "hair dryer",
    "cow": "cow", "suitcase": "suitcase,luggage", "tie": "tie,necktie", "toilet": "toilet", "teddy bear": "teddy bear", "bus": "bus",
    "oven": "oven,stove", "keyboard": "keyboard", "cake": "cake", "boat": "boat", "truck": "truck", "baseball bat": "bat,baseball bat",
    "baseball glove": "baseball glove,glove", "bird": "bird", "cup": "cup",
}
STUFF = {
    "tree-merged": "tree", "sky-other-merged": "sky", "wall-other-merged": "wall", "grass-merged": "grass", "building-other-merged": "building",
    "pavement-merged": "pavement", "floor-other-merged": "floor", "fence-merged": "fence", "ceiling-merged": "ceiling", "road": "road",
    "snow": "snow", "sea": "sea", "sand": "sand", "floor-wood": "floor", "table-merged": "table", "dirt-merged": "dirt", "curtain": "curtain",
    "cabinet-merged": "cabinet", "river": "river", "mountain-merged": "mountain", "house": "house", "rug-merged": "rug", "bridge": "bridge",
}
# Plural by form; they take "the" but no "a".
PLURAL_FORM = set("""pants jeans shorts shoes glasses sunglasses socks leggings tights stockings boots sandals heels pumps sneakers flats wedges
loafers gloves accessories earrings skis scissors fries pancakes noodles beans grapes cherries blueberries peanuts flowers houses bags beers dolls
chopsticks""".split())
MASS = set("hair skin sky grass snow sand water bread rice corn meat luggage food cheese".split())
IRREGULAR = {"person": "people", "man": "men", "woman": "women", "child": "children", "knife": "knives", "mouse": "mice", "sheep": "sheep",
             "fish": "fish", "leaf": "leaves", "shelf": "shelves", "wine glass": "wine glasses", "loaf": "loaves", "deer": "deer", "bison": "bison",
             "scarf": "scarves", "wolf": "wolves", "ox": "oxen", "computer mouse": "computer mice", "kiwi fruit": "kiwis"}


def plural(name):
    """Plural of a noun phrase that ends in its noun."""
    if name in IRREGULAR:
        return IRREGULAR[name]
    head, _, last = name.rpartition(" ")
    if last in IRREGULAR:
        word = IRREGULAR[last]
    elif last in PLURAL_FORM or last in MASS:
        word = last
    elif last.endswith(("s", "x", "ch", "sh")):
        word = last + "es"
    elif last.endswith("y") and last[-2] not in "aeiou":
        word = last[:-1] + "ies"
    else:
        word = last + "s"
    return (head + " " + word).strip()


def cutout_names(name, group):
    """Valid names of a rendered cut-out, main name first; empty when it is not used."""
    if group in SKIP_GROUPS or any(w in name for w in SKIP_WORDS):
        return []
    low = name.lower()
    if group == "person":
        words = set(low.split())
        out = [w for w in low.split() if w in ROLES]
        out += ["man"] if words & MEN else []
        out += ["woman"] if words & WOMEN else []
        return list(dict.fromkeys(out + ["person"]))
    if name in FIXED:
        return FIXED[name].split(",")
    if group == "face":
        return ["robot"] if name == "robot" else [low, "face"] if len(low.split()) == 1 else ["face"]
    if group == "animal_face":
        return ["monkey" if "monkey" in low else "cat"]
    if low.endswith(" face"):
        return cutout_names(name[:-5], group)
    last = low.rsplit(" ", 1)[-1]
    return [low, last] if last != low and last in HEADS else [low]


# Folders of Tux Paint's stamps that say what all in them is, however it is called.
STAMP_FOLDERS = {"birds": "bird", "flowers": "flower", "trees": "tree", "hats": "hat", "dogs": "dog", "equines": "horse", "mushrooms": "mushroom", "planes": "airplane"}
STAMPS_UNLIKE = {"fox", "donkey", "zebra"}                 # animals/mammals/dogs has a fox
STAMPS_UNUSED = {"sea_lion", "pinecone", "walnut_shelled", "garbagecan", "fire"}    # their last word or folder says something else


def stamp_names(path, text, known):
    """Valid names, all of them known already, of one of Tux Paint's stamps by its path and the first line of its description
    ("A garden spade."); empty when none is."""
    if path.startswith("symbols/") or path.endswith("auto/beetle.png") or path.rsplit("/", 1)[-1].removesuffix(".png") in STAMPS_UNUSED:
        return []
    words = re.sub(r"\(.*?\)", "", text).strip(" .!\n").lower().split()
    if words and words[0] in ("a", "an", "the", "some"):
        words = words[1:]
    if not words or len(words) > 4:
        return []
    folder = next((STAMP_FOLDERS[f] for f in path.split("/")[:-1] if f in STAMP_FOLDERS), None)
    for name in (" ".join(words), words[-1]):
        names = cutout_names(name, "object")
        if names and names[0] in known:
            return names if folder in (None, *names) or STAMPS_UNLIKE & set(names) else [*names, folder]
    return [] if folder is None or STAMPS_UNLIKE & set(words) or "cartoon" in path else [folder]
