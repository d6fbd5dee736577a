-- The primitives of programs, over the host's functions. Primitives that call a function of the program
-- are written here in Lua, so that a question inside that function suspends the run like any other.

local host = ...
local pcall, error, tostring, pairs, ipairs, select = pcall, error, tostring, pairs, ipairs, select
local type, setmetatable = type, setmetatable

local function check_function(fn, name)
  if type(fn) ~= "function" then error(name .. " needs a function, not " .. type(fn) .. ".", 3) end
end

Log = {debug = host.debug, info = host.info, warn = host.warn, warning = host.warn, error = host.error}

Human = {
  approve = host.approve,
  input = host.input,
  inputs = host.inputs,
  multiple = host.inputs, -- its name in later versions of Tactus
  select = host.choose,
  upload = host.upload,
  review = host.review,
  notify = host.notify,
  escalate = host.escalate,
}

System = {alert = host.alert}

State = {
  get = host.state_get,
  set = host.state_set,
  increment = host.state_increment,
  append = host.state_append,
  delete = host.state_delete,
  all = host.state_all,
  clear = host.state_clear,
}

state = setmetatable({}, {
  __index = function(_, name) return State.get(name) end,
  __newindex = function(_, name, value) State.set(name, value) end,
  __pairs = function() return pairs(State.all()) end,
  __metatable = "The state's metatable can't be changed.",
})

Stage = {
  set = host.stage_set,
  advance = host.stage_advance,
  current = host.stage_current,
  is = host.stage_is,
  history = host.stage_history,
  count = host.stage_count,
  progress = host.stage_progress,
}

-- The function runs in the procedure itself, not inside a step, so that it can ask people, wait and call
-- other steps; its result is stored under the name.
local function kept(name, fn)
  local value = fn()
  return host.keep(name, value)
end

local unnamed = 0

function checkpoint(fn)
  check_function(fn, "checkpoint")
  unnamed = unnamed + 1
  return kept("checkpoint " .. unnamed, fn)
end

Step = {checkpoint = checkpoint}

function Step.run(name, fn)
  check_function(fn, "Step.run")
  return kept(name, fn)
end

Checkpoint = {
  exists = host.checkpoint_exists,
  get = host.checkpoint_get,
  clear_after = host.checkpoint_clear_after,
  clear_all = host.checkpoint_clear_all,
}

Sleep = host.sleep

local function setting(options, name, usual)
  local value = options and options[name]
  if value == nil then return usual end
  return value
end

Retry = {}

function Retry.with_backoff(fn, options)
  check_function(fn, "Retry.with_backoff")
  local most, delay = setting(options, "max_attempts", 3), setting(options, "initial_delay", 1)
  local longest, factor = setting(options, "max_delay", 60), setting(options, "backoff_factor", 2)
  for name, value in pairs({max_attempts = most, initial_delay = delay, max_delay = longest, backoff_factor = factor}) do
    if type(value) ~= "number" then
      error(name .. " of Retry.with_backoff must be a number, not a " .. type(value) .. ".", 2)
    end
  end
  local on_error = options and options.on_error
  for attempt = 1, most do
    local ok, value = pcall(fn)
    if ok then return value end
    if on_error then
      local told = {attempt = attempt, max_attempts = most, error = tostring(value), delay = delay}
      local fine, why = pcall(on_error, told)
      if not fine then Log.error("on_error has failed: " .. tostring(why)) end
    end
    if attempt >= most then
      error("Retry failed after " .. most .. " attempts: " .. tostring(value), 2)
    end
    Sleep(delay)
    delay = delay * factor
    if delay > longest then delay = longest end
  end
  error("Retry.with_backoff needs at least one attempt.", 2)
end

Session = {
  append = host.session_append,
  inject_system = host.session_inject,
  clear = host.session_clear,
  history = host.session_history,
  count = host.session_count,
}

MessageHistory = {
  append = host.session_append,
  inject_system = host.session_inject,
  clear = host.session_clear,
  get = host.session_history,
  count = host.session_count,
}

File = {read = host.file_read, write = host.file_write, exists = host.file_exists, size = host.file_size}

Json = {encode = host.json_encode, decode = host.json_decode}

Procedure = {
  run = host.child_run,
  spawn = host.child_spawn,
  status = host.child_status,
  wait = host.child_wait,
  wait_any = host.child_wait_any,
  wait_all = host.child_wait_all,
  inject = host.child_inject,
  cancel = host.child_cancel,
  is_complete = host.child_is_complete,
  all_complete = host.child_all_complete,
}

Stop = {requested = function() return false end, reason = function() return nil end}

Iterations = {current = host.iterations}

function Iterations.exceeded(most) return host.iterations() > most end
