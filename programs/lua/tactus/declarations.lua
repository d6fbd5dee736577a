-- The declarations of .tac files: agents, tools, procedures. The same chunk runs when the file is read,
-- to note its declarations, and in each claim of a run.

local host = ...
local type, pairs, ipairs, error, pcall, tostring = type, pairs, ipairs, error, pcall, tostring
local setmetatable, rawset = setmetatable, rawset
local unpack = table.unpack

local objects = {} -- the declared objects, each with its kind, its name and its settings
local named = {} -- the declared objects by name
local calls = {} -- the tool calls, in order

local function ignore() end

-- Return the settings without functions, and with the names of tools instead of the tools; for a tool
-- without a name, the name is an empty string.
local function data_of(value)
  if objects[value] then return objects[value].name or "" end
  if type(value) == "function" then return nil end
  if type(value) ~= "table" then return value end
  local copy = {}
  for key, one in pairs(value) do copy[key] = data_of(one) end
  return copy
end

local function functions_in(settings)
  local found = {}
  for key, one in pairs(settings) do
    if type(one) == "function" then found[#found + 1] = tostring(key) end
  end
  return found
end

local function declare(object, name)
  object.name = name
  named[name] = object
  host.declare(object.kind, name, object.number or data_of(object.settings))
end

local function check_tools(settings, of)
  for _, one in pairs(type(settings.tools) == "table" and settings.tools or {}) do
    if type(one) == "function" then
      error("A tool of " .. of .. " must be a Tool, a Toolset or a name, not a function.", 4)
    end
  end
end

local count = 0 -- of agents; each agent has a number, because not every agent has a name

local function number_agent(object)
  count = count + 1
  object.number = count
  host.declare("agent settings", count, data_of(object.settings), functions_in(object.settings))
end

local function new(kind, meta, settings, name)
  local value = setmetatable({}, meta)
  local object = {kind = kind, settings = settings or {}, value = value}
  objects[value] = object
  if kind == "agent" then number_agent(object) end
  if name then
    declare(object, name)
    rawset(_G, name, value)
  end
  return value
end

-- `World = Agent {...}` names an agent.
setmetatable(_G, {
  __newindex = function(globals, name, value)
    rawset(globals, name, value)
    local object = objects[value]
    if object and not object.name then declare(object, name) end
  end,
})

local DEEPEST = 50

local function is_too_deep(value, depth)
  if type(value) ~= "table" or objects[value] then return false end
  if depth > DEEPEST then return true end
  for _, one in pairs(value) do
    if is_too_deep(one, depth + 1) then return true end
  end
  return false
end

local function table_in(settings)
  if type(settings) ~= "table" then
    error("A declaration takes a table such as {...}, not a " .. type(settings) .. ".", 3)
  end
  if is_too_deep(settings, 1) then
    error("A declaration is nested too deeply, or contains itself.", 3)
  end
  return settings
end

-- Return a constructor: of `Kind {...}`, `Kind "name" {...}` and `kind("name", {...}, function)`.
local function constructor(make)
  return function(first, second, third)
    if type(first) ~= "string" then
      local made = make(table_in(first)) -- no tail call, so that an error finds its line
      return made
    end
    if second == nil then
      return function(settings)
        local made = make(table_in(settings), first)
        return made
      end
    end
    local settings = table_in(type(second) == "function" and {second} or second)
    if third ~= nil then settings[1] = third end
    local made = make(settings, first)
    return made
  end
end

local function handler_of(settings)
  return settings.handler or settings[1]
end

-- Tools

local function note_call(name, args, result)
  calls[#calls + 1] = {name = name, args = args, result = result}
  return result
end

local function last_of(name)
  for place = #calls, 1, -1 do
    if calls[place].name == name then return calls[place] end
  end
end

local forgotten = {}

local function handle(name, meta)
  return setmetatable({
    called = function()
      local last = last_of(name)
      return last ~= nil and last ~= forgotten[name]
    end,
    last_call = function() return last_of(name) end,
    last_result = function()
      local last = last_of(name)
      return last and last.result
    end,
    reset = function() forgotten[name] = last_of(name) end,
  }, meta or {})
end

local function name_of(value) return objects[value].name or "tool" end

local tool_meta
tool_meta = {
  __call = function(self, args)
    return note_call(name_of(self), args, handler_of(objects[self].settings)(args or {}))
  end,
  __index = function(self, field) return handle(name_of(self))[field] end,
}

local function tool_of(settings, name)
  if type(handler_of(settings)) ~= "function" then error("A Tool needs a function.", 3) end
  return new("tool", tool_meta, settings, name)
end

Tool = setmetatable({
  called = function(name) return last_of(name) ~= nil end,
  last_call = last_of,
  last_result = function(name)
    local last = last_of(name)
    return last and last.result
  end,
}, {__call = function(_, ...) return constructor(tool_of)(...) end})

Toolset = constructor(function(settings, name)
  check_tools(settings, "a Toolset")
  for _, one in ipairs(type(settings.tools) == "table" and settings.tools or {}) do
    local is_inline = type(one) == "table" and not objects[one]
    if is_inline and type(handler_of(one)) ~= "function" then
      error("A tool of a Toolset needs a function as its handler.", 3)
    end
  end
  return new("toolset", {}, settings, name)
end)

local DONE = {description = "Ends the work.", input = {reason = {type = "string"}}}

function DONE.handler(args) return args.reason or "Task completed" end

local done = handle("done", {
  __call = function(_, args) return note_call("done", args, (args or {}).reason) end,
})
objects[done] = {kind = "tool", name = "done", settings = DONE}

-- Return an agent's tools, each with the name under which its model calls it.
local function tools_of(agent)
  local found = {}
  for _, one in ipairs(agent.settings.tools or {}) do
    local object = objects[one] or named[one]
    if object and object.kind == "toolset" then
      for _, inner in ipairs(object.settings.tools or {}) do
        local inside = objects[inner] or {name = inner.name, settings = inner}
        found[#found + 1] = {name = object.name .. "_" .. inside.name, settings = inside.settings}
      end
    elseif object then
      found[#found + 1] = {name = object.name, settings = object.settings}
    end
  end
  return found
end

local function handlers_of(agent)
  local found = {done = DONE.handler}
  for _, one in ipairs(tools_of(agent)) do found[one.name] = handler_of(one.settings) end
  return found
end

-- Carry out a tool call; return its result, and true if it succeeded.
local function run_tool(handlers, call)
  if call.problem then return call.problem, false end
  local ok, value = pcall(handlers[call.name], call.args)
  if ok then return note_call(call.name, call.args, value), true end
  local words = "The tool has failed: " .. tostring(value)
  return note_call(call.name, call.args, words), false
end

-- Agents. A tool runs in the procedure itself, not inside the step of the model, so that it can ask people.

local MOST_REQUESTS = 25

local function turn(self, given)
  local agent, told = objects[self], given
  if type(told) ~= "table" then told = {message = told} end
  local message = told.message or told.inject
  local reply = host.ask_model(agent.number, message, true)
  local handlers, asked, is_over = handlers_of(agent), 1, false
  while #reply.calls > 0 and not is_over do
    for _, call in ipairs(reply.calls) do
      local result, is_done = run_tool(handlers, call)
      host.note_result(agent.number, call.id, call.name, result, is_done and "done" or "failed")
      is_over = is_over or (call.name == "done" and is_done)
    end
    asked = asked + 1
    if asked > MOST_REQUESTS then error("The agent has asked its model too often in one turn.", 2) end
    if not is_over then reply = host.ask_model(agent.number, nil, false) end
  end
  local text = reply.text
  return {output = text, message = text, content = text, text = text, tool_calls = reply.calls}
end

local agent_meta = {__call = turn, __index = function(self, field)
  if field == "turn" then return function(given) return turn(self, given) end end
end}

Agent = constructor(function(settings, name)
  check_tools(settings, "an Agent")
  return new("agent", agent_meta, settings, name)
end)

-- Procedures

local procedure_meta = {
  __call = function(self, inputs) return Procedure.run(objects[self].name, inputs or {}) end,
}
local unnamed = {} -- procedures, some of which get a name by a later assignment

local function procedure_of(settings, name)
  if type(handler_of(settings)) ~= "function" then error("A Procedure needs a function.", 3) end
  if settings[2] ~= nil then error("A Procedure takes only one function.", 3) end
  host.declare("settings", "", data_of(settings)) -- so that an error finds its line
  local value = new("procedure", procedure_meta, settings, name)
  if not name then unnamed[#unnamed + 1] = value end
  return value
end

setmetatable(Procedure, {__call = function(_, ...) return constructor(procedure_of)(...) end})

-- The inputs and outputs of a file without a Procedure, or of its Procedure without a name. In a run,
-- `input` is the table with the values.

input = setmetatable({}, {
  __call = function(_, fields) host.declare("fields", "input", data_of(table_in(fields))) end,
  __index = function() host.sleep() end, -- only a run has values, so the reading ends here
})
params = input

function output(fields) host.declare("fields", "output", data_of(table_in(fields))) end

-- What else a file declares

local function noted(kind)
  return constructor(function(settings, name) host.declare(kind, name or "", data_of(settings)) end)
end

Hitl = noted("hitl")

function Stages(...)
  local listed = {...}
  if type(listed[1]) == "table" then listed = listed[1] end
  host.declare("stages", "", listed)
end

function Specification(text, scenarios)
  host.declare("specification", "", {text = type(scenarios) == "string" and scenarios or text})
end

setmetatable(Step, {__call = ignore})
Evaluation, Mocks, Prompt = ignore, ignore, function() return ignore end

field = setmetatable({}, {
  __index = function(_, kind)
    return function(settings)
      local copy = {}
      for key, one in pairs(settings or {}) do copy[key] = one end
      copy.type = kind
      return copy
    end
  end,
})

agent, procedure, toolset, specification, specifications = Agent, constructor(procedure_of), Toolset, Specification, Specification
Specifications, evaluation, evaluations, Evaluations = Specification, Evaluation, Evaluation, Evaluation
stages, hitl, prompt, mocks = Stages, Hitl, Prompt, Mocks
tool = Tool

default_provider, default_model = ignore, ignore -- the site decides about models

for _, name in ipairs({"return_prompt", "max_depth", "max_turns"}) do
  rawset(_G, name, function(value) host.declare("setting", name, data_of(value)) end)
end

-- Modules

local modules = {
  ["tactus.tools.done"] = done,
  ["tactus.io.csv"] = {read = host.csv_read, write = host.csv_write},
  ["tactus.io.tsv"] = {read = host.tsv_read, write = host.tsv_write},
  ["tactus.io.json"] = {
    read = host.json_read, write = host.json_write, encode = Json.encode, decode = Json.decode,
  },
  ["tactus.io.file"] = {read = File.read, write = File.write, exists = File.exists},
}

function require(name)
  return modules[name] or error("There is no module called " .. tostring(name) .. ".", 2)
end

python = {
  iter = function(list)
    local place = 0
    return function()
      place = place + 1
      if list[place] ~= nil then return place, list[place] end
    end
  end,
}

-- The functions that the reader calls

local api = {}

-- Return the procedure without a name, with which a run of the file begins.
local function main()
  for _, value in ipairs(unnamed) do
    if not objects[value].name then return objects[value] end
  end
end

function api.has_main() return main() ~= nil end

function api.has_several()
  local count = 0
  for _, value in ipairs(unnamed) do
    if not objects[value].name then count = count + 1 end
  end
  return count > 1
end

function api.main_settings() return data_of(main().settings) end

function api.accept_inputs()
  for _, name in ipairs({"input", "params"}) do setmetatable(_G[name], {__call = ignore}) end
end

function api.call(name, inputs)
  local object = name == "" and main() or named[name]
  return handler_of(object.settings)(inputs)
end

return api
