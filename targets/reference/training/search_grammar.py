"""The intents of the search agent's data: twelve pairs, each with the words and the patterns that say it."""

from dataclasses import dataclass

Verb = tuple[str, str]
"""A verb as an order and as a noun: ("move", "moving")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A pair of intents that differ only in the roles of two things.

    `forward` is the intent when a word of `first` stands at `{a}` and one of `second` at `{b}`; `backward` when they
    change places. `directed` says that "from {a} to {b}" alone names the intent too.
    """

    forward: str
    backward: str
    first: tuple[str, ...]
    second: tuple[str, ...]
    objects: tuple[str, ...]
    patterns: tuple[tuple[tuple[Verb, ...], str], ...]
    directed: bool = True


MOVE = (("move", "moving"), ("take", "taking"), ("bring", "bringing"), ("shift", "shifting"))
PUT = (("put", "putting"), ("place", "placing"), ("drop", "dropping"))
MAKE = (("make", "making"), ("produce", "producing"), ("create", "creating"))
CHANGE = (("change", "changing"), ("switch", "switching"), ("turn", "turning"))
SHOW = (("show me", "showing me"), ("find", "finding"), ("look up", "looking up"), ("get me", "getting me"))
SEND = (("send", "sending"), ("forward", "forwarding"), ("pass", "passing"))
CHECK = (("check", "checking"), ("verify", "verifying"), ("find out", "finding out"), ("tell me", "telling me"))
RANK = (("rank", "ranking"), ("sort", "sorting"), ("order", "ordering"), ("list", "listing"))
LET = (("let", "letting"), ("have", "having"))

FAMILIES = (
    Family(
        forward="convert_pdf_to_word",
        backward="convert_word_to_pdf",
        first=("pdf", "pdf format", "acrobat"),
        second=("word", "docx", "word format"),
        objects=("the contract", "my cv", "this report", "the invoice", "the lecture notes", "chapter two", "the form"),
        patterns=(
            ((("convert", "converting"), ("turn", "turning")), "{o} from {a} to {b}"),
            (CHANGE, "{o} into {b} , it is {a} now"),
            (MAKE, "{b} out of the {a} of {o}"),
            ((("save", "saving"), ("store", "storing")), "{o} as {b} where it was {a}"),
            ((("export", "exporting"),), "the {a} version of {o} to {b}"),
            ((("replace", "replacing"),), "the {a} of {o} by {b}"),
        ),
    ),
    Family(
        forward="translate_english_to_german",
        backward="translate_german_to_english",
        first=("english", "british english", "en"),
        second=("german", "deutsch", "de"),
        objects=("this letter", "the manual", "my essay", "the menu", "this paragraph", "the subtitles", "that email"),
        patterns=(
            ((("translate", "translating"),), "{o} from {a} into {b}"),
            ((("translate", "translating"), ("render", "rendering")), "{o} into {b} , the original is {a}"),
            (PUT, "the {a} text of {o} into {b}"),
            ((("explain", "explaining"),), "in {b} what the {a} of {o} says"),
            ((("write", "writing"),), "the {b} for {o} , i only have {a}"),
            ((("read", "reading"),), "the {a} of {o} to me in {b}"),
        ),
    ),
    Family(
        forward="move_inbox_to_archive",
        backward="move_archive_to_inbox",
        first=("the inbox", "my inbox", "the incoming mail"),
        second=("the archive", "my archive", "the old mail"),
        objects=("the newsletter", "all receipts", "the thread", "mails from carla", "the offer", "the tickets"),
        patterns=(
            (MOVE, "{o} from {a} to {b}"),
            (MOVE, "{o} out of {a} and into {b}"),
            (PUT, "{o} in {b} , it is in {a}"),
            ((("pull", "pulling"), ("drag", "dragging")), "{o} into {b} from {a}"),
            ((("clear", "clearing"),), "{a} of {o} and keep it in {b}"),
            ((("fill", "filling"),), "{b} with {o} found in {a}"),
        ),
    ),
    Family(
        forward="book_london_to_paris",
        backward="book_paris_to_london",
        first=("london", "st pancras", "the uk"),
        second=("paris", "gare du nord", "france"),
        objects=("a train", "two seats", "the first train", "a cheap ticket", "the night train", "a window seat"),
        patterns=(
            ((("book", "booking"), ("reserve", "reserving")), "{o} from {a} to {b}"),
            ((("book", "booking"), ("buy", "buying")), "{o} to {b} leaving {a} in the morning"),
            (SHOW, "{o} that arrives in {b} and starts in {a}"),
            (SHOW, "{o} out of {a} bound for {b}"),
            (SHOW, "{o} {a} {b}"),
            ((("get", "getting"),), "carla {o} to {b} , she lives in {a}"),
        ),
    ),
    Family(
        forward="transfer_savings_to_checking",
        backward="transfer_checking_to_savings",
        first=("savings", "my savings", "the deposit account"),
        second=("checking", "my checking", "the current account"),
        objects=("200 euros", "half my salary", "the bonus", "fifty dollars", "the refund", "what is left"),
        patterns=(
            ((("transfer", "transferring"), ("move", "moving")), "{o} from {a} to {b}"),
            ((("top up", "topping up"), ("fill", "filling")), "{b} with {o} from {a}"),
            ((("take", "taking"), ("withdraw", "withdrawing")), "{o} out of {a} for {b}"),
            ((("pay", "paying"),), "{o} into {b} out of {a}"),
            ((("charge", "charging"),), "{a} with {o} and credit {b}"),
            ((("send", "sending"),), "{b} {o} that {a} can spare"),
        ),
    ),
    Family(
        forward="switch_light_to_dark",
        backward="switch_dark_to_light",
        first=("light mode", "the bright theme", "day colours"),
        second=("dark mode", "the black theme", "night colours"),
        objects=("the app", "my editor", "the home screen", "all windows", "the terminal", "the reader"),
        patterns=(
            (CHANGE, "{o} from {a} to {b}"),
            (CHANGE, "{o} to {b} , it has {a}"),
            ((("replace", "replacing"),), "{a} with {b} in {o}"),
            ((("swap", "swapping"), ("trade", "trading")), "{a} for {b} in {o}"),
            ((("use", "using"),), "{b} in place of {a} for {o}"),
            ((("give", "giving"),), "{o} {b} where {a} is now"),
        ),
    ),
    Family(
        forward="plan_meeting_then_lunch",
        backward="plan_lunch_then_meeting",
        first=("the meeting", "the review", "the call"),
        second=("lunch", "the meal", "the canteen"),
        objects=("on monday", "tomorrow", "next week", "for the team", "on the first day", "with jonas"),
        patterns=(
            (PUT, "{a} before {b} {o}"),
            (PUT, "{b} after {a} {o}"),
            ((("schedule", "scheduling"), ("plan", "planning")), "{a} {o} ahead of {b}"),
            (LET, "{b} follow {a} {o}"),
            ((("start", "starting"), ("begin", "beginning")), "with {a} {o} and end with {b}"),
            ((("plan", "planning"), ("schedule", "scheduling")), "{b} {o} once {a} is over"),
            ((("move", "moving"), ("shift", "shifting")), "{a} {o} so that it ends when {b} begins"),
        ),
        directed=False,
    ),
    Family(
        forward="rank_price_over_rating",
        backward="rank_rating_over_price",
        first=("price", "cost", "the fee"),
        second=("rating", "reviews", "stars"),
        objects=("the hotels", "all laptops", "the flats", "the restaurants", "these phones", "the results"),
        patterns=(
            (RANK, "{o} by {a} before {b}"),
            (RANK, "{o} by {a} first and {b} second"),
            (RANK, "{o} so that {a} counts more than {b}"),
            (RANK, "{o} so that {b} counts less than {a}"),
            ((("weigh", "weighing"), ("put", "putting")), "{a} over {b} for {o}"),
            ((("put", "putting"), ("hold", "holding")), "{b} below {a} for {o}"),
            (RANK, "{o} with {b} only for ties in {a}"),
        ),
        directed=False,
    ),
    Family(
        forward="check_bus_beats_plane",
        backward="check_plane_beats_bus",
        first=("the bus", "the coach", "the shuttle"),
        second=("the plane", "the flight", "the airline"),
        objects=("to berlin", "on weekdays", "with luggage", "in winter", "for a family", "at night"),
        patterns=(
            (CHECK, "whether {a} is faster than {b} {o}"),
            (CHECK, "whether {b} is slower than {a} {o}"),
            (CHECK, "if {a} beats {b} {o}"),
            (CHECK, "if {b} loses to {a} {o}"),
            (CHECK, "if {b} {o} takes longer than {a}"),
            (CHECK, "whether {a} {o} is there before {b}"),
            (CHECK, "whether {b} {o} is there after {a}"),
        ),
        directed=False,
    ),
    Family(
        forward="forward_anna_to_tom",
        backward="forward_tom_to_anna",
        first=("anna", "anna schmidt", "ms schmidt"),
        second=("tom", "tom baker", "mr baker"),
        objects=("the note", "the photo", "the minutes", "the question", "the slides", "the voice message"),
        patterns=(
            (SEND, "{o} from {a} to {b}"),
            (SEND, "{o} that {a} wrote on to {b}"),
            (SEND, "{b} {o} by {a}"),
            (LET, "{b} see {o} {a} sent"),
            ((("answer", "answering"), ("reply to", "replying to")), "{b} with {o} of {a}"),
            ((("tell", "telling"),), "{b} what {a} said in {o}"),
            ((("quote", "quoting"),), "{a} to {b} , use {o}"),
        ),
    ),
    Family(
        forward="share_sales_with_finance",
        backward="share_finance_with_sales",
        first=("sales", "the sales team", "the shop"),
        second=("finance", "the finance team", "bookkeeping"),
        objects=("folder", "files", "calendar", "wiki", "dashboards", "numbers"),
        patterns=(
            ((("share", "sharing"),), "the {o} of {a} with {b}"),
            (LET, "{b} read the {o} of {a}"),
            ((("give", "giving"), ("grant", "granting")), "{b} access to the {o} of {a}"),
            ((("open", "opening"), ("unlock", "unlocking")), "the {o} of {a} for {b}"),
            ((("allow", "allowing"), ("admit", "admitting")), "{b} into the {o} that {a} owns"),
            ((("ask", "asking"),), "{a} to show {b} the {o}"),
        ),
    ),
    Family(
        forward="copy_phone_to_laptop",
        backward="copy_laptop_to_phone",
        first=("my phone", "the mobile", "the handset"),
        second=("my laptop", "the notebook", "the desktop"),
        objects=("the pictures", "all contacts", "the songs", "the videos", "my bookmarks", "the recordings"),
        patterns=(
            ((("copy", "copying"), ("sync", "syncing")), "{o} from {a} to {b}"),
            ((("back up", "backing up"),), "{o} of {a} on {b}"),
            ((("pull", "pulling"), ("load", "loading")), "{o} off {a} onto {b}"),
            ((("overwrite", "overwriting"), ("update", "updating")), "{o} on {b} with those on {a}"),
            ((("restore", "restoring"),), "{o} on {b} , {a} has the good copy"),
            ((("mirror", "mirroring"),), "{a} with its {o} onto {b}"),
        ),
    ),
)
