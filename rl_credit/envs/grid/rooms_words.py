"""What MiniHack's worlds say, what can be carried in them, and the keys of actions."""

import enum


class Kind(enum.IntEnum):
    """An object of a level; each level has one at most."""

    NOTHING = 0
    KEY = 1
    POTION = 2  # of levitation, as are ring and boots
    RING = 3
    BOOTS = 4
    WAND = 5  # of cold, or of death where the rules say so
    HORN = 6  # of frost


class Message(enum.IntEnum):
    """The line on top of NetHack's screen; appearances are left out of its texts."""

    text: str

    def __new__(cls, number: int, text: str) -> "Message":
        member = int.__new__(cls, number)
        member._value_ = number
        member.text = text
        return member

    SILENCE = 0, ""
    WALL = 1, "It's a wall."
    STONE = 2, "It's solid stone."
    DOOR_OPENS = 3, "The door opens."
    DOOR_RESISTS = 4, "The door resists!"
    DOOR_LOCKED = 5, "This door is locked."
    DOOR_IS_OPEN = 6, "This door is already open."
    DOOR_BROKEN = 7, "This door is broken."
    NO_DOOR = 8, "You see no door there."
    DIAGONAL_IN = 9, "You can't move diagonally into an intact doorway."
    DIAGONAL_OUT = 10, "You can't move diagonally out of an intact doorway."
    DIRECTION = 11, "In what direction?"
    STRANGE = 12, "What a strange direction!"
    STRANGE_NEVER_MIND = 13, "What a strange direction!  Never mind."
    NEVER_MIND = 14, "Never mind."
    KICK_EMPTY = 15, "You kick at empty space."
    KICK_HURTS = 16, "Ouch!  That hurts!"
    KICK_WHAMM = 17, "WHAMMM!!!"
    KICK_OPENS = 18, "As you kick the door, it crashes open!"
    NOTHING_HERE = 19, "There is nothing here to pick up."
    STAIRS_FIXED = 20, "The stairs are solidly fixed to the floor."
    SEE_KEY = 21, "You see here a key named The Master Key of Thievery."
    SEE_POTION = 22, "You see here a potion."
    SEE_RING = 23, "You see here a ring."
    SEE_BOOTS = 24, "You see here a pair of boots."
    SEE_WAND = 25, "You see here a wand."
    SEE_HORN = 26, "You see here a horn."
    GOT_KEY = 27, "g - a key named The Master Key of Thievery."
    GOT_POTION = 28, "f - a potion."
    GOT_RING = 29, "f - a ring."
    GOT_BOOTS = 30, "f - a pair of boots."
    GOT_WAND = 31, "f - a wand."
    GOT_HORN = 32, "f - a horn."
    NO_DRINK = 33, "You don't have anything to drink."
    NO_WEAR = 34, "You don't have anything else to wear."
    NO_PUT_ON = 35, "You don't have anything else to put on."
    NO_ZAP = 36, "You don't have anything to zap."
    NO_APPLY = 37, "You don't have anything to use or apply."
    NO_READ = 38, "You don't have anything to read."
    WHAT_DRINK = 39, "What do you want to drink? [f or ?*]"
    WHAT_WEAR = 40, "What do you want to wear? [f or ?*]"
    WHAT_PUT_ON = 41, "What do you want to put on? [f or ?*]"
    WHAT_ZAP = 42, "What do you want to zap? [f or ?*]"
    WHAT_APPLY = 43, "What do you want to use or apply? [f or ?*]"
    IMPROVISE = 44, "Improvise? [ynq] (q)"
    FINGER = 45, "Which ring-finger, Right or Left? [rl]"
    SILLY_DRINK = 46, "That is a silly thing to drink."
    SILLY_WEAR = 47, "That is a silly thing to wear."
    SILLY_PUT_ON = 48, "That is a silly thing to put on."
    SILLY_ZAP = 49, "That is a silly thing to zap."
    SILLY_APPLY = 50, "Sorry, I don't know how to use that."
    FLOAT = 51, "You start to float in the air!"
    RING_ON = 52, "f - a ring of levitation (on left hand)."
    BOLT_BOUNCES = 53, "The bolt of cold bounces!"
    LAVA_COOLS = 54, "The lava cools and solidifies."
    RAY_BOUNCES = 55, "The death ray bounces!"
    KILL_MINOTAUR = 56, "You kill the minotaur!"
    MISS_MINOTAUR = 57, "You miss the minotaur."
    KILL_NEWT = 58, "You kill the newt!"
    MISS_NEWT = 59, "You miss the newt."
    NEWT_BITES = 60, "The newt bites!"
    BOULDER_MOVES = 61, "With great effort you move the boulder."
    BOULDER_STUCK = 62, "You try to move the boulder but in vain."
    BOULDER_FILLS = 63, "You push the boulder into the water.  Now you can cross it!"
    BOULDER_SINKS = 64, "The boulder sinks without a trace!"
    FALL_IN_WATER = 65, "You fall into the water!  You try to crawl out of the water."
    FIND_DOOR = 66, "You find a hidden door."
    FIND_PASSAGE = 67, "You find a hidden passage."
    LAVA_BURNS = 68, "The lava burns you to a crisp."
    MINOTAUR_BUTTS = 69, "The minotaur butts!  You die..."
    YOU_DIE = 70, "The bolt bounces!  It hits you!  You die..."


DIRECTIONS = {
    "north": (-1, 0),
    "east": (0, 1),
    "south": (1, 0),
    "west": (0, -1),
    "northeast": (-1, 1),
    "southeast": (1, 1),
    "southwest": (1, -1),
    "northwest": (-1, -1),
}  # as (rows, columns): the first eight actions of every task, straight ones first

COMPASS = tuple(DIRECTIONS)

# What a key says where a question waits for a letter.
KEYS = dict(zip(COMPASS, "kljhunby")) | {
    "pickup": ",",
    "open": "o",
    "kick": "^D",
    "search": "s",
    "quaff": "q",
    "wear": "W",
    "zap": "z",
    "apply": "a",
    "put_on": "P",
    "fire": "f",
    "read": "r",
}
