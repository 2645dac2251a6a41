"""The 256 plain words, one for each byte, that people read aloud and compare."""

WORD_LIST = tuple(
    """
    acorn actor alarm album amber anchor apple apron arrow atlas autumn bacon badge baker bamboo
    banjo barley barrel basin basket beacon beaver bench berry bicycle birch biscuit blanket
    blossom bottle boulder bridge bronze broom bucket buffalo bugle butter button cabin cactus
    camel candle canoe canvas carbon carpet carrot castle cedar cellar chalk cherry chimney
    circus citrus clover cobalt coconut comet copper coral cotton cradle crater cricket crystal
    cushion dagger daisy dancer denim desert dinner dolphin donkey dragon drawer eagle easel
    echo elbow ember engine falcon farmer feather fender ferry fiddle finger flute forest fossil
    fountain fox galaxy garden garlic gecko ginger giraffe glacier goblet gravel guitar hammer
    harbor harvest hazel helmet hermit heron hockey honey hornet igloo indigo insect island
    ivory jacket jaguar jasmine jelly jigsaw jungle kayak kernel kettle kitchen kitten koala
    ladder lagoon lantern lawyer leather lemon lentil lily linen lizard llama lobster locket
    magnet mango maple marble market meadow melon mirror mitten monkey mosaic mountain muffin
    mustard napkin nectar needle nickel noodle nutmeg oasis ocean olive onion orange orbit
    orchid otter oyster paddle palace panda paper parrot pasta peanut pebble pelican pencil
    pepper piano pigeon pillow pirate planet plum pocket poppy potato prairie pumpkin puppet
    puzzle quartz quilt rabbit radish raven ribbon river robin rocket saddle sailor salmon
    sandal satin saucer scarf seven shadow shovel silver sparrow spider spoon squid stable sugar
    sunset table tailor teapot temple tiger timber tomato trumpet tulip tunnel turtle umbrella
    urchin valley vanilla velvet violin volcano waffle wagon walnut walrus willow window winter
    wizard yogurt zebra zenith zipper
""".split()
)
