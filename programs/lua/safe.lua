-- The part of Lua that programs can use: the standard libraries without functions that leave the sandbox
-- or differ from process to process. A hook ends every loop that exceeds the program's limits. This chunk
-- gets the host's functions in a table, and returns the functions that the sandbox calls.

local host = ...
local over, mark, fatal, words, no_memory = host.over, host.mark, host.fatal, host.words, host.no_memory
local chance, whole, say = host.chance, host.whole, host.say

local raw_pcall, raw_xpcall, raw_error, raw_next = pcall, xpcall, error, next
local raw_tostring, raw_setmetatable, raw_sort = tostring, setmetatable, table.sort
local raw_create, raw_resume, raw_close = coroutine.create, coroutine.resume, coroutine.close
local sethook, getinfo, getmeta = debug.sethook, debug.getinfo, debug.getmetatable
local format, find, gsub, byte = string.format, string.find, string.gsub, string.byte
local pack, unpack, concat = table.pack, table.unpack, table.concat
local type, select, rawget, ipairs = type, select, rawget, ipairs

local EVERY = 10000 -- instructions between two checks of the limits
local marked

local function note() -- tell the host which line of the program is being executed
  for level = 3, 9 do
    local info = getinfo(level, "Sl")
    if not info then return end
    -- The names of our own chunks are in angle brackets.
    if info.currentline > 0 and byte(info.short_src) ~= 60 then
      if info.currentline ~= marked then
        marked = info.currentline
        mark(info.short_src, marked)
      end
      return
    end
  end
end

local function hook()
  note()
  over() -- raises once the time is used up, and again and again after that
end

-- Errors

local function caught(e)
  if fatal() then raw_error(e, 0) end -- a suspension or a limit: nobody may catch it
  if e == "not enough memory" then no_memory() end
  return type(e) == "userdata" and words(e) or e
end

local function guarded(ok, ...)
  if ok then return true, ... end
  return false, caught((...))
end

function pcall(f, ...)
  return guarded(raw_pcall(f, ...))
end

function xpcall(f, handler, ...)
  return guarded(raw_xpcall(f, function(e)
    if fatal() or e == "not enough memory" then return e end
    return handler(type(e) == "userdata" and words(e) or e)
  end, ...))
end

-- Coroutines: each has its own hook

function coroutine.create(f)
  local co = raw_create(f)
  sethook(co, hook, "", EVERY)
  return co
end

function coroutine.resume(co, ...)
  return guarded(raw_resume(co, ...))
end

function coroutine.close(co)
  return guarded(raw_close(co))
end

local function passed(ok, ...)
  if not ok then raw_error((...), 0) end
  return ...
end

function coroutine.wrap(f)
  local co = coroutine.create(f)
  return function(...) return passed(raw_resume(co, ...)) end
end

-- Order: the same in every process

local function keys_of(t)
  local numbers, strings, flags, others = {}, {}, {}, {}
  for key in raw_next, t do
    local kind = type(key)
    local list = kind == "number" and numbers or kind == "string" and strings
      or kind == "boolean" and flags or others
    list[#list + 1] = key
  end
  if #others > 1 then
    raw_error("This table has several tables or functions as keys, which have no order that is the same in every process. Use strings or numbers as keys.", 3)
  end
  raw_sort(numbers)
  raw_sort(strings)
  for _, key in ipairs(strings) do numbers[#numbers + 1] = key end
  if #flags > 1 then flags = {false, true} end
  for _, key in ipairs(flags) do numbers[#numbers + 1] = key end
  numbers[#numbers + 1] = others[1]
  return numbers
end

local function check_table(t, name)
  if type(t) ~= "table" then
    raw_error(format("bad argument #1 to '%s' (table expected, got %s)", name, type(t)), 3)
  end
end

function pairs(t)
  local meta = getmeta(t)
  if meta and meta.__pairs then return meta.__pairs(t) end
  check_table(t, "for iterator")
  local keys, place = keys_of(t), 0
  return function()
    while place < #keys do
      place = place + 1
      local value = rawget(t, keys[place])
      if value ~= nil then return keys[place], value end
    end
  end, t, nil
end

local orders = raw_setmetatable({}, {__mode = "k"})

local function order_of(t, key)
  local order = orders[t]
  if key == nil or not order or not order.places[key] then
    order = {keys = keys_of(t), places = {}}
    for place, one in ipairs(order.keys) do order.places[one] = place end
    orders[t] = order
  end
  return order
end

function next(t, key)
  check_table(t, "next")
  if raw_next(t) == nil then return nil end
  local order = order_of(t, key)
  local place = key == nil and 0 or order.places[key]
  if not place then raw_error("invalid key to 'next'", 2) end
  while place < #order.keys do
    place = place + 1
    local value = rawget(t, order.keys[place])
    if value ~= nil then return order.keys[place], value end
  end
  return nil
end

local function merged(list, first, last, is_before, spare)
  if first >= last then return end
  local middle = (first + last) // 2
  merged(list, first, middle, is_before, spare)
  merged(list, middle + 1, last, is_before, spare)
  local left, right = first, middle + 1
  for place = first, last do
    if right > last or (left <= middle and not is_before(list[right], list[left])) then
      spare[place] = list[left]
      left = left + 1
    else
      spare[place] = list[right]
      right = right + 1
    end
  end
  for place = first, last do list[place] = spare[place] end
end

function table.sort(list, is_before) -- Lua's own may choose its pivots by the clock
  check_table(list, "sort")
  merged(list, 1, #list, is_before or function(a, b) return a < b end, {})
end

-- Texts: no addresses

local ids, count = raw_setmetatable({}, {__mode = "k"}), 0

local function id_of(value)
  if not ids[value] then
    count = count + 1
    ids[value] = count
  end
  return ids[value]
end

function tostring(value)
  local text = raw_tostring(value)
  local kind = type(value)
  if kind == "table" or kind == "function" or kind == "thread" or kind == "userdata" then
    if find(text, "0x%x+$") then return (gsub(text, "0x%x+$", id_of(value))) end
  end
  return text
end

local shown = tostring

function string.format(text, ...)
  if type(text) == "string" and find(gsub(text, "%%%%", ""), "%%[-+ #0-9.]*p") then
    raw_error("string.format can't show addresses (%p), which differ from process to process.", 2)
  end
  local given = pack(...)
  for place = 1, given.n do
    local kind = type(given[place])
    if kind ~= "string" and kind ~= "number" and kind ~= "nil" and kind ~= "boolean" then
      given[place] = shown(given[place])
    end
  end
  return format(text, unpack(given, 1, given.n))
end

function print(...)
  local given = pack(...)
  for place = 1, given.n do given[place] = shown(given[place]) end
  say(concat(given, "\t"))
end

-- C functions that may take long: no hook runs inside them, so the line that calls them is noted before

local function noted(fn)
  return function(...)
    note()
    return fn(...)
  end
end

-- While a file is read, nothing can interrupt a C function.
local MOST_TRIES = 1e8

local function tries_of(name, text, pattern)
  local bare = gsub(pattern, "%%%%", "x")
  local _, scans = gsub(bare, "%%[b1-9]", "") -- each reads on to the end of a bracket or of a copy
  local plain = gsub(gsub(bare, "%%.", "x"), "%b[]", "x")
  local _, count = gsub(plain, "[*+-]", "")
  local _, choices = gsub(plain, "%?", "") -- each can double the tries
  -- A single repetition at the end of a pattern takes all it can at once.
  if count == 1 and scans == 0 and choices == 0 and find(plain, "[*+-]%)*$") then return 1 end
  local is_anchored = name ~= "gmatch" and find(pattern, "^", 1, true) == 1
  local places = is_anchored and 0 or 1 -- other patterns are tried at each place of the text
  return (#text + 1) ^ (count + scans + places) * 2 ^ choices
end

local function bounded(name, fn)
  if not host.reads then return fn end
  return function(text, pattern, ...)
    if type(text) == "string" and type(pattern) == "string" then
      if tries_of(name, text, pattern) > MOST_TRIES then
        raw_error("While a file is read, this pattern is too slow for a text of that length. Use it in the procedure.", 2)
      end
    end
    return fn(text, pattern, ...)
  end
end

for _, name in ipairs({"find", "match", "gsub", "gmatch"}) do string[name] = bounded(name, string[name]) end
for _, name in ipairs({"find", "match", "gsub", "rep"}) do string[name] = noted(string[name]) end
for _, name in ipairs({"concat", "insert", "move", "remove", "unpack"}) do
  table[name] = noted(table[name])
end
for _, name in ipairs({"char", "codepoint", "len", "offset"}) do utf8[name] = noted(utf8[name]) end

local rep, gmatch, move = string.rep, string.gmatch, table.move

function table.move(list, first, last, ...)
  if host.reads and type(first) == "number" and type(last) == "number" and last - first > 1e6 then
    raw_error("While a file is read, at most a million values can be moved at once.", 2)
  end
  return move(list, first, last, ...)
end

function string.rep(text, times, between)
  -- Empty strings need no memory, so the memory limit would never end the loop.
  if text == "" and (between == nil or between == "") then return "" end
  return rep(text, times, between)
end

function string.gmatch(...)
  return noted(gmatch(...))
end

-- Metatables: a finalizer would run whenever memory is collected

function setmetatable(t, meta)
  if type(meta) == "table" and (rawget(meta, "__gc") ~= nil or rawget(meta, "__mode") ~= nil) then
    raw_error("setmetatable accepts neither __gc nor __mode here, because the time when they take effect differs from process to process.", 2)
  end
  return raw_setmetatable(t, meta)
end

getmeta("").__metatable = "The metatable of strings can't be changed."
-- The metatable of Python's objects contains C functions that don't check their arguments.
getmeta(over).__metatable = "The metatable of Python's objects can't be seen."

-- Each value that leaves Lua is copied into Python's memory, which Lua's limit doesn't count.
local MOST_VALUES = 16

local function wrapped(fn) -- so that programs get only Lua functions
  return function(...)
    if select("#", ...) > MOST_VALUES then
      raw_error("A primitive can't have more than " .. MOST_VALUES .. " arguments.", 2)
    end
    return fn(...)
  end
end

-- Times and random numbers of the run

os = {
  time = wrapped(host.time),
  date = wrapped(host.date),
  clock = wrapped(host.clock),
  difftime = os.difftime,
}

function math.random(low, high)
  if low == nil then return chance() end
  if low == 0 and high == nil then return whole(math.mininteger, math.maxinteger) end
  if high == nil then low, high = 1, low end
  return whole(low, high)
end

function math.randomseed() end -- the run has its own seed

-- What is left out

string.dump = nil
unpack = table.unpack
for _, name in ipairs({"collectgarbage", "debug", "dofile", "io", "load", "loadfile", "package",
  "python", "require", "warn"}) do
  _G[name] = nil
end

sethook(hook, "", EVERY)

-- What the sandbox calls

local function place_of_error()
  for level = 2, 60 do
    local info = getinfo(level, "Sl")
    if not info then return "" end
    if info.currentline > 0 and find(info.short_src, "^[^<]") then
      mark(info.short_src, info.currentline)
      return format("%s:%d: ", info.short_src, info.currentline)
    end
  end
  return ""
end

local function described(e)
  if type(e) == "table" and rawget(e, "message") ~= nil then return shown(e.message) end
  return shown(e)
end

local safe = {wrapped = wrapped}

function safe.run(f, ...)
  local place -- nil if the message contains the line, or if the program made the error itself
  local function handler(e)
    local kind = type(e)
    if kind == "string" and find(e, "^<%a+>:%d+: ") then -- an error of C in one of our own functions
      return place_of_error() .. gsub(e, "^<%a+>:%d+: ", "", 1)
    end
    if kind == "string" or (kind == "table" and rawget(e, "message") ~= nil) then return described(e) end
    place = place_of_error()
    return kind == "userdata" and e or described(e)
  end
  local given = pack(raw_xpcall(f, handler, ...))
  if given[1] and given.n > MOST_VALUES + 1 then
    return false, "", "The program returns more than " .. MOST_VALUES .. " values."
  end
  if given[1] then return unpack(given, 1, given.n) end
  return false, place, caught(given[2])
end

local array = {}

function safe.array() return raw_setmetatable({}, array) end

function safe.is_array(t) return getmeta(t) == array end

return safe
