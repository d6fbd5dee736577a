-- Deploys an application: an agent with tools, of which one asks people.

local done = require("tactus.tools.done")
local csv = require("tactus.io.csv")
local json = require("tactus.io.json")

Stages {"asked", "deployed"}

Toolset "people" {
  tools = {
    {
      name = "ask",
      description = "Asks for approval.",
      input = {message = field.string{required = true}},
      handler = function(args)
        return {approved = Human.approve({message = args.message})}
      end,
    },
  },
}

count_servers = Tool {
  description = "Counts the servers.",
  input = {group = field.string{}},
  function(args) return #args.group end,
}

deployer = Agent {
  model = "test/model",
  system_prompt = "Deploy {input.app}.",
  initial_message = "Please deploy {input.app} to {state.region}.",
  tools = {"people", count_servers, done},
}

double = Procedure {
  input = {number = field.number{required = true}},
  output = {twice = field.number{required = true}},
  function(input)
    local fine = Human.approve({message = "Double " .. input.number .. "?"})
    return {twice = fine and input.number * 2 or 0}
  end,
}

Procedure {
  title = "Deploy an application",
  roles = {start = "support", answer = "finance"},
  input = {
    app = field.string{required = true, description = "The application"},
    rounds = field.integer{default = 2},
  },
  output = {
    app = field.string{required = true},
    approved = field.boolean{required = true},
    told = field.array{},
  },
  function(input)
    state.region = "eu"
    Stage.set("asked")
    MessageHistory.inject_system("It is Monday.")
    local told = {}
    for round = 1, input.rounds do
      local reply = deployer()
      told[#told + 1] = reply.output
      if done.called() then break end
    end
    local asked = Tool.last_result("people_ask")
    told[#told + 1] = Tool.last_call("count_servers").result
    told[#told + 1] = done.last_result()
    told[#told + 1] = double({number = 4}).twice
    for _, message in python.iter(MessageHistory.get()) do told[#told + 1] = message.role end
    csv.write("servers.csv", {{name = "a", load = 1}, {name = "b", load = 2}})
    json.write("servers.json", csv.read("servers.csv"))
    told[#told + 1] = json.read("servers.json")[2].load
    told[#told + 1] = Iterations.current()
    Stage.advance()
    return {app = input.app, approved = asked.approved, told = told}
  end,
}

Specification([[
Feature: Deployment

  Scenario: It is approved
    Given the procedure has started
    And the input app is "shop"
    And the agent "deployer" responds with "I ask first."
    And the agent "deployer" calls tool "people_ask" with args {"message": "Deploy shop?"}
    And the agent "deployer" calls tool "count_servers" with args {"group": "abc"}
    And the agent "deployer" calls tool "done" with args {"reason": "Deployed."}
    When the procedure runs
    Then the procedure should complete successfully
    And the output approved should be true
    And the done tool should be called exactly 1 time
    And the state region should be "eu"
    And the output app should match pattern "^sh"
    And the total iterations should be less than 2
]])

Step("a step of its own", function(input) assert(input) end)
Evaluation({runs = 1})
