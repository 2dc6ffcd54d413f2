"""What people say around an action: the sentences of two actions, the corrections, the small talk.

`{yes}` is the action that counts, `{no}` the one that does not; `{yes_noun}` and `{no_noun}` have a verb in -ing.
"""

PAIRED = (
    # refused
    "do not {no} , {yes}",
    "don't {no} but {yes}",
    "{yes} and do not {no}",
    "{yes} instead of {no_noun}",
    "instead of {no_noun} , {yes}",
    "rather than {no_noun} , {yes}",
    "i would rather {yes} than {no}",
    "no need to {no} , just {yes}",
    "stop {no_noun} and {yes}",
    "don't forget to {yes} , and do not {no}",
    "do not {no} , but don't forget to {yes}",
    # somebody else's wish
    "carla wants you to {no} but i want you to {yes}",
    # later
    "{yes} before you {no}",
    "before you {no} , {yes}",
    "after {yes_noun} , {no}",
    "{no} after {yes_noun}",
    "first {yes} , then {no}",
    "{no} , but first {yes}",
    "{yes} now , you can {no} later",
    "you can {no} later , now {yes}",
)

REVERSALS = (
    "{no} , no , the other way round",
    "{no} , wait , exactly the opposite direction",
    "do the reverse of this : {no}",
    "the opposite please : not {no} but the other way round",
    "{no} and swap the two , i mixed them up",
)

FRAGMENTS = (
    "{no} , no wait , from {a} to {b}",
    "{no} , sorry , i mean from {a} to {b}",
    "{no} , or rather to {b} from {a}",
    "from {a} to {b} , not as i said before : {no}",
)

CORRECTIONS = (
    "{no} , no wait , {yes}",
    "{no} , scratch that , {yes}",
    "{no} . actually {yes}",
    "{no} , sorry , i meant to say {yes}",
    "{no} . forget what i said and {yes}",
    "{yes} . ignore my last message , it said {no}",
    "{yes} , that replaces what i wrote before , which was {no}",
)

OPENINGS = (
    "please", "hi ,", "hey there ,", "could you", "can you", "i need you to", "i want to", "help me to", "quick one :",
    "good morning ,", "hello again ,", "would you mind , please", "ok so", "right ,", "next :", "when you have time",
    "my boss says to", "we have to", "time to", "let us",
)  # fmt: skip

CLOSINGS = (
    "thanks", "please", "asap", "today", "if possible", "thank you so much", "for me", "right now", "ok ?", "!",
    "as soon as you can", "when you can", "by friday", "this afternoon", "and let me know", "as always",
)  # fmt: skip

DISTRACTORS = (
    "it took me an hour to get here",
    "i did it from the office last week",
    "the last time it went wrong",
    "my colleague asked me about it twice",
    "i am on the way to the dentist",
    "nobody told me before today",
    "it is the first thing on my list",
    "i would do it myself rather than wait",
    "there is not much time after that",
    "the boss wants it instead of excuses",
    "no one else can do that",
    "it is for the audit",
    "i never know where to find that",
    "i will not be in before noon",
    "i can explain the reason later",
    "it is from the list that we wrote",
    "i know you are busy",
    "the customer is waiting",
)
