"""The page of problems: the codes of what a device tells, and those of the rules of trust."""

from markdown import table

from player.protocol.problems import ProblemCode
from sync.errors import Distrust


def page() -> str:
    """Return the page."""
    problems = table(("code", "when"), ((f"`{one}`", one.words) for one in ProblemCode))
    rules = table(("code", "why it is refused"), ((f"`{one}`", one.words) for one in Distrust))
    return (
        "# Problems\n\nA device tells each problem as a sentence that says what to do, and as a code that stays the "
        "same whatever the sentence says.\n`problem_codes` stands beside `problems` in `/v1/status`, `/v1/now` and "
        "the heartbeat, with the code of each sentence at the same place;\n`signage_player_problem{code=…}` is 1 while "
        "there is one of that kind. A newer player may tell others.\n\n"
        f"{problems}\n## Rules of trust\n\nWhich rule the last document from the origin broke: `sync.trust` in "
        "`/v1/status`, `trust` in the heartbeat, `signage_player_trust_problem{reason=…}`.\nPage, terminal and console "
        f"show code and words. What plays goes on.\n\n{rules}"
    )
