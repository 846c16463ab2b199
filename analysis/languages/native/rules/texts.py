"""Texts of C: characters up to a zero."""

from __future__ import annotations

from ast_grep_py import SgNode

from analysis.languages.native.rules.calls import called
from analysis.languages.native.rules.scope import NativeScope, std
from analysis.rules.base import Proposal, Rewrite, rule

_BOTH = ("c", "c++")


@rule(
    "strcat-end",
    title="append to a text where it ends",
    description="Each piece that is joined to a text first looks for the text's end from its"
    " beginning. Who remembers the end goes on there.",
    patterns=std("strcat($D, $S)"),
    gain=3,
    languages=_BOTH,
    words=("strcat", "for|while"),
)
def strcat_end(scope: NativeScope, node: SgNode) -> Proposal:
    """Keep a pointer to the end of the text and copy with `stpcpy`.

    Why it is slow: `strcat` walks over all that is there already: joining n pieces takes time that
    grows with the square of the length.

    Example:
        for (int i = 0; i < n; i++)            char *end = line + strlen(line);
            strcat(line, words[i]);            for (int i = 0; i < n; i++)
                                                   end = stpcpy(end, words[i]);

    When not to: the text is changed otherwise in the loop (then it is left alone); `stpcpy` is a
    function of POSIX.
    """
    name, loops = scope.text(node["D"]), scope.loops(node)
    made = scope.declaration(name, node)
    if node["D"].kind() != "identifier" or made is None:
        return None
    loops = [loop for loop in loops if made.first < scope.start(loop)]
    if not loops:
        return None
    fresh = scope.fresh("end")
    changes = []
    for use in scope.uses(name, loops[-1]):
        listed = use.parent()
        call = listed.parent() if listed is not None else None
        if call is None or called(call) != "strcat":
            return None
        given = call.field("arguments").named_children()
        if given[0] != use or len(given) != 2 or call.parent().kind() != "expression_statement":
            return None
        changes.append(scope.replace(call, f"{fresh} = stpcpy({fresh}, {scope.text(given[1])})"))
    line = f"char *{fresh} = {name} + strlen({name});"
    return Rewrite((scope.insert_before(loops[-1], line), *changes))


RULES = (strcat_end,)
