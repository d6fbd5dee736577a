"""A procedure that names people in each way that code can."""

from procedures.engine import Context, Procedure, procedure

OF_A_CONSTANT = "of_a_constant"
OF_A_LIST = ("of_a_list", "@of_a_list")
OF_A_TABLE = {"small": "of_a_table"}
OF_NOBODY = "of_nobody"
NAMES = (
    "of_the_call",
    "of_a_constant",
    "of_a_list",
    "@of_a_list",
    "of_a_table",
    "of_a_helper",
    "of_a_default",
    "of_a_lambda",
    "perm:auth.of_a_choice",
)
NAMES_OF_TEXT = (
    "of_a_cell",
    "of_an_inner_function",
    "Of a line",
    "of_a_list_in_text",
    "@of_text",
    "perm:auth.of_text",
)
TEXT = """
- ask: Shall we?
  whom: Of a line
- {"ask": "Really?", "whom": ["of_a_list_in_text", "@of_text", "perm:auth.of_text"]}
- Nobody is asked of_prose here.
"""
NO_NAMES = ("with \0 in it", "half of \ud83d", "two\nlines", "l" * 151)


@procedure(title="Names people", roles={"answer": "of_its_role"})
def names_people(ctx: Context, size: str = "small") -> list[bool]:
    named = sorted(["b"], key=lambda _: "of_a_lambda")
    asked = [
        ctx.approve("One?", assign="of_the_call"),
        ctx.approve("Two?", assign=OF_A_CONSTANT),
        ctx.approve("Three?", assign=OF_A_LIST),
        ctx.approve("Four?", assign=OF_A_TABLE[size]),
        ctx.approve("Five?", assign=helped()),
        ctx.approve("Six?", assign=["perm:auth.of_a_choice", *named]),
    ]
    ctx.log(str(len(NO_NAMES)))
    return [bool(one) for one in asked]


def helped(whom: str = "of_a_default") -> list[str]:
    return [whom, "of_a_helper"]


def read(text: str) -> Procedure:
    """Return a procedure like those that a reader of files makes."""
    flow = {"steps": [{"whom": "of_a_cell"}]}

    def whom() -> str:
        return flow["steps"][0]["whom"] or "of_an_inner_function"

    @procedure(title="Names people in a text", source=text)
    def names_in_text(ctx: Context) -> bool:
        return bool(ctx.approve("Shall we?", assign=whom()))

    return names_in_text


names_in_text = read(TEXT)
