"""The sandbox of Lua code: no way to Python, no endless loop, the same values on every replay."""

import re
import subprocess
import sys
from typing import Any

import pytest

from procedures.engine import Context, procedure
from procedures.testing import RehearsedRun, crash_test, run_procedure
from programs.lua.clock import RunClock
from programs.lua.sandbox import Sandbox

SHORT = 0.1
"""Seconds of processor time, so that a loop needs no more."""


@procedure
def lua(ctx: Context, text: str) -> list[Any]:
    """Returns what the text returns."""
    with ctx.watch(SHORT) as watch:
        sandbox = Sandbox(RunClock(ctx), watch)
        ask = sandbox.leaf(lambda: bool(ctx.approve("Go on?")), rests=True)
        sandbox.globals["ask"] = ask
        sandbox.globals["fail"] = sandbox.leaf(_fail)
        return sandbox.call(sandbox.load(text, "order.lua"))


def _fail() -> None:
    raise ValueError("No.")


def run(text: str, *, answer: bool | None = True) -> RehearsedRun:
    return run_procedure(lua, {"text": text}, humans=lambda _: answer)


def returned(text: str) -> Any:
    ended = run(text)
    assert ended.status == "succeeded", ended.error
    return ended.result


def error_of(text: str) -> tuple[str, str]:
    error = run(text).error
    assert error, "It has succeeded."
    return error["type"], error["message"]


LEFT_OUT = (
    *("load", "loadfile", "dofile", "require", "io", "debug", "package", "python", "warn"),
    *("collectgarbage", "string.dump", "os.execute", "os.exit", "os.getenv", "os.remove"),
    *("os.rename", "os.tmpname", "os.setlocale", "loadstring", "newproxy", "jit", "ffi"),
)


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_leaves_the_sandbox_isnt_there(name: str) -> None:
    assert returned(f"return {name} == nil") == [True]


REFUSED = [
    pytest.param("return ask.__globals__", "function value", id="an attribute of a function"),
    pytest.param("return ask.__class__", "function value", id="its class"),
    pytest.param("ask.x = 1", "function value", id="setting an attribute"),
    pytest.param("return ask['__self__']", "function value", id="by index"),
    pytest.param("getmetatable(ask).__index = nil", "", id="the metatable of a function"),
    pytest.param("getmetatable('').__index = {}", "", id="the metatable of texts"),
    pytest.param("setmetatable({}, {__gc = print})", "__gc", id="a finalizer"),
    pytest.param("setmetatable({}, {__mode = 'k'})", "__mode", id="a weak table"),
    pytest.param("return string.format('%p', {})", "addresses", id="an address"),
    pytest.param("return pairs({[{}] = 1, [{}] = 2})", "no order", id="tables as keys"),
    pytest.param("return string.char(255)", "UTF-8|utf-8", id="a text that isn't one"),
    pytest.param("return 0/0", "infinite or NaN", id="no number"),
    pytest.param("local t = {} t.t = t return t", "contains itself", id="a circle"),
    pytest.param("return print", "function", id="a function as a result"),
    pytest.param("local function f() return f() + 1 end f()", "overflow|memory", id="recursion"),
    pytest.param("return ('x'):bad()", "nil value", id="an unknown method"),
    pytest.param("return string.rep('x', -1) .. nil", "nil value", id="a mistake"),
    pytest.param("return {a = 1, [1] = 2, ['1'] = 3}", "stored as '1'", id="keys of one text"),
    pytest.param(
        "local s, t = ('x'):rep(1e6), {} for i = 1, 999 do t[i] = s end return t",
        "64 MB",
        id="many copies of a text",
    ),
    pytest.param("ask(table.unpack({}, 1, 99))", "more than 16 arguments", id="arguments"),
    pytest.param("error()", "order.lua:1: nil", id="an error without a message"),
    pytest.param("tostring = nil error('x')", "order.lua:1: x", id="tostring is gone"),
    pytest.param("local x = string.find('a', '[')", "^order.lua:1: malformed", id="a pattern"),
    pytest.param("local x = os.date('*t', 1e300)", "years 1 and 9999", id="a late date"),
    pytest.param("local x = os.time({year = 1e9, month = 1, day = 1})", "9999", id="a late year"),
    pytest.param("os.time({year = 'x', month = 1, day = 1})", "whole numbers", id="an odd year"),
]


@pytest.mark.parametrize(("text", "words"), REFUSED)
def test_a_way_out_is_an_error_of_the_program(text: str, words: str) -> None:
    ended = run(f"local t = {{(function() {text} end)()}} return tostring(t[1]), t[1]")
    assert ended.status == "failed"
    assert ended.error
    assert re.search(words, ended.error["message"]), ended.error


ENDLESS = [
    pytest.param("while true do end", id="a loop"),
    pytest.param("while true do pcall(function() while true do end end) end", id="in pcall"),
    pytest.param(
        "while true do xpcall(error, function() while true do end end) end", id="a handler"
    ),
    pytest.param("coroutine.wrap(function() while true do end end)()", id="a coroutine"),
    pytest.param(
        "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
        id="coroutines in a loop",
    ),
    pytest.param(
        "local x <close> = setmetatable({}, {__close = function() while true do end end})"
        " while true do end",
        id="while closing",
    ),
    pytest.param(
        "local t = setmetatable({}, {__index = function(t, k) return t[k + 1] end})"
        " while true do pcall(function() return t[1] end) end",
        id="in a metamethod",
    ),
    pytest.param("local t = {} for i = 1, 9e9 do t[i % 9] = ask ~= i end", id="a long loop"),
    pytest.param("table.sort({1, 2, 3}, function() while true do end end)", id="in sort"),
    pytest.param("('x'):rep(99):gsub('x', function() while true do end end)", id="in gsub"),
]


@pytest.mark.parametrize("text", ENDLESS)
def test_an_endless_loop_fails_as_limit_reached_with_its_line(text: str) -> None:
    kind, message = error_of(f"\n{text}")
    assert kind == "LimitReached"
    assert message.startswith("order.lua, line 2: the code has computed for more than 0.1 s")


TOO_LARGE = [
    pytest.param("return #string.rep('x', 1e9)", id="rep"),
    pytest.param("pcall(string.rep, 'x', 1e9) return 1", id="rep in pcall"),
    pytest.param("local s = 'x' while true do s = s .. s end", id="concatenation"),
    pytest.param("local t = {} while true do t[#t + 1] = ('x'):rep(1e6) .. #t end", id="a list"),
    pytest.param(
        "local t = {} for i = 1, 99 do t[i] = ('x'):rep(1e6) end table.concat(t)", id="concat"
    ),
]


@pytest.mark.parametrize("text", TOO_LARGE)
def test_a_program_that_needs_too_much_memory_fails_as_limit_reached(text: str) -> None:
    kind, message = error_of(text)
    assert (kind, "more than 64 MB of memory" in message) == ("LimitReached", True)


def test_an_error_of_python_shows_nothing_of_itself() -> None:
    text = """
        local seen
        pcall(function()
          local x <close> = setmetatable({}, {__close = function(_, e) seen = e end})
          fail()
        end)
        local ok = pcall(function() return seen.args end)
        return type(seen), type(getmetatable(seen)), ok, type(getmetatable(ask))
    """
    assert returned(text) == ["userdata", "string", False, "nil"]


def test_an_empty_text_is_repeated_at_once() -> None:
    assert returned("return (''):rep(1e18)") == [""]


SUSPENDING = [
    pytest.param("return ask()", id="plain"),
    pytest.param("local ok, yes = pcall(ask) return yes", id="in pcall"),
    pytest.param("local ok, yes = xpcall(ask, print) return yes", id="in xpcall"),
    pytest.param(
        "while true do local ok, yes = pcall(ask) if ok then return yes end end", id="in a loop"
    ),
    pytest.param("return coroutine.wrap(function() return ask() end)()", id="in a coroutine"),
    pytest.param(
        "local co = coroutine.create(ask) local ok, yes = coroutine.resume(co) return yes",
        id="a coroutine of its own",
    ),
    pytest.param(
        "local x <close> = setmetatable({}, {__close = function() pcall(ask) end}) return ask()",
        id="while closing",
    ),
]


@pytest.mark.parametrize("text", SUSPENDING)
def test_nothing_in_lua_catches_a_suspension(text: str) -> None:
    assert run(text, answer=None).status == "waiting"
    assert crash_test(lua, {"text": text}, humans=lambda _: True).undisturbed.result == [True]


def test_errors_of_the_host_are_texts_to_the_program() -> None:
    caught = "local ok, e = pcall(fail) return ok, type(e), 'It said: ' .. e"
    assert returned(caught) == [False, "string", "It said: No."]
    assert error_of("\n\nfail()") == ("ProgramError", "order.lua:3: No.")
    assert error_of("error({message = 'Sold out.'})") == ("ProgramError", "Sold out.")
    assert returned("return xpcall(fail, function(e) return e .. '!' end)") == [False, "No.!"]


def test_texts_order_and_chance_are_the_same_in_every_process() -> None:
    text = """
        local t, names = {}, {}
        for _, name in ipairs({'pear', 'fig', 'apple', 'plum', 'kiwi'}) do t[name] = #name end
        t[2], t[1], t[true], t[1.5] = 'b', 'a', 'yes', 'c'
        for key, value in pairs(t) do names[#names + 1] = tostring(key) .. value end
        local key, value = next(t)
        local list = {}
        for i = 1, 300 do list[i] = {i % 3, i} end
        table.sort(list, function(a, b) return a[1] < b[1] end)
        return table.concat(names, ' '), key, next(t, 'apple'), tostring({}), tostring(print),
          string.format('%s %d', {}, 3), list[1][2], list[101][2], math.random(1, 1000),
          os.date('%Y', 0), os.time({year = 2030, month = 1, day = 2}), os.date('*t', 0).wday
    """
    command = [sys.executable, "-c", AGAIN, text]
    found = {
        subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2)
    }
    here = returned(text)
    assert found == {f"{here}\n"}
    assert here[0] == "1a 1.5c 2b apple5 fig3 kiwi4 pear4 plum4 trueyes"
    assert here[1:3] == [1, "fig"]
    assert here[6:8] == [3, 1]  # equal ones keep their order
    assert here[-3:] == ["1970", 1893585600, 5]


AGAIN = """
import sys
from tests.programs.lua.test_sandbox import returned
print(returned(sys.argv[1]))
"""


def test_tables_become_lists_and_dicts() -> None:
    text = "return {1, 2, {a = 1, [3] = 'x'}, {}}"
    assert returned(text) == [[1, 2, {"3": "x", "a": 1}, {}]]


def test_a_key_that_is_true_is_not_the_key_1() -> None:
    assert returned("return {[1] = 'a', [true] = 'b'}") == [{"1": "a", "true": "b"}]


def test_standard_functions_do_what_lua_says_they_do() -> None:
    text = """
        local ok = pcall(error, '\\xff')
        return string.format('%d%% paid, 7%%p', 50), os.time({year = 2024, month = 14, day = 31}),
          math.type(math.random(0)), ok
    """
    assert returned(text) == ["50% paid, 7%p", 1741003200, "integer", False]


def test_an_error_names_the_file_also_where_its_line_is_lost() -> None:
    assert error_of("return fail()") == ("ProgramError", "order.lua: No.")
    assert len(error_of("error(('x'):rep(1e6))")[1]) < 6_000


def test_next_goes_on_while_fields_are_cleared() -> None:
    text = """
        local t, seen = {a = 1, b = 2, c = 3}, {}
        local key = next(t)
        while key do
          seen[#seen + 1] = key
          t[key] = nil
          key = next(t, key)
        end
        return table.concat(seen), next(t)
    """
    assert returned(text) == ["abc", None]
    assert "invalid key" in error_of("next({a = 1}, 'z')")[1]
