-- Handles an outage: people rate it, write the notice to customers, and say when it is over.

Stages {"Rate", "Inform", "Repair", "Close"}

local function minutes_since(start) return math.floor((os.time() - start) / 60) end

Procedure {
  title = "Handle an outage",
  subject = "Outage: {what}",
  description = [[Rate an outage of the shop, tell customers, and ask until it is over.

Support rates it and checks the notice to customers. The run warns the operators if the outage takes long, and writes a report,
which is one of its files.]],
  roles = {start = "support", answer = {"support", "finance"}, operate = "operators"},
  input = {
    what = field.string{default = "The checkout doesn't accept cards.", description = "What doesn't work"},
    every = field.integer{default = 15, description = "Minutes between two questions"},
  },
  output = {
    severity = field.string{required = true},
    minutes = field.integer{required = true},
    report = field.string{required = true},
  },
  function(input)
    local start = os.time()
    local lines = {"# " .. input.what, ""}
    local function note(text)
      lines[#lines + 1] = os.date("%H:%M", os.time()) .. " " .. text
      Log.info(text)
    end

    Stage.set("Rate")
    local severity = Human.select({
      message = "How bad is the outage?",
      context = {outage = input.what},
      options = {"Some customers notice it", "Nobody can buy", "Data is at risk"},
      assign = "support",
    })
    state.severity = severity
    note("It was rated: " .. severity .. ".")
    if severity == "Data is at risk" then System.alert({message = input.what, level = "critical"}) end

    Stage.set("Inform")
    local draft = "We are sorry: " .. input.what .. " We are working on it, and write again within the hour."
    local notice = Human.review({
      message = "The notice to customers",
      artifact = draft,
      options = {{label = "Publish"}, {label = "Say nothing"}},
      assign = "support",
    })
    if notice.decision == "Publish" then
      note("Customers were told: " .. (notice.edited_artifact or draft))
      Human.notify({message = notice.edited_artifact or draft})
    end

    Stage.set("Repair")
    local is_over, asked = false, 0
    while not is_over do
      asked = asked + 1
      is_over = Human.approve({
        message = "Is the outage over? (question " .. asked .. ")",
        context = {outage = input.what, severity = severity, minutes_so_far = minutes_since(start)},
        yes = "It is over",
        no = "Not yet",
        assign = "support",
        timeout = input.every * 60,
        default = false,
      })
      state.asked = asked
      if not is_over then
        note("It was not over.")
        if asked == 4 then System.alert({message = "The outage isn't over yet: " .. input.what}) end
        Sleep(input.every * 60)
      end
    end
    note("It was over.")

    Stage.set("Close")
    local cause = Human.input({message = "What was the cause?", assign = "support", timeout = 86400, default = "unknown"})
    note("The cause: " .. cause)
    File.write("outage.md", table.concat(lines, "\n"))
    Human.notify({message = "The outage is over. The report is a file of this run."})
    return {severity = severity, minutes = minutes_since(start), report = table.concat(lines, "\n")}
  end,
}
