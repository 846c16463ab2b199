-- A user's session in a real Neovim, told to stdout as one JSON value.
-- Arguments: JSON with `plugin` (runtimepath), `cmd`, `file`, `settings`, `steps`.
local given = vim.json.decode(_G.arg[1])
local said = { messages = {} }
local LIMIT = 240000

local function wait(what, holds)
  if not vim.wait(LIMIT, holds, 20) then
    said.stuck = what
    io.stdout:write(vim.json.encode(said) .. "\n")
    os.exit(1)
  end
end

local function lines()
  return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), "\n") .. "\n"
end

local notify = vim.notify
vim.notify = function(message, ...)
  table.insert(said.messages, message)
  return notify(message, ...)
end

local progress = { begun = 0, ended = 0, reports = {} }
vim.api.nvim_create_autocmd("LspProgress", {
  callback = function(event)
    local value = event.data.params.value
    if value.kind == "begin" then
      progress.begun = progress.begun + 1
    elseif value.kind == "end" then
      progress.ended = progress.ended + 1
      said.ended_with = value.message
    else
      table.insert(progress.reports, value.message)
    end
  end,
})

vim.opt.runtimepath:append(given.plugin)
-- The help's own words for lenses, as a user would copy them.
local help = table.concat(vim.fn.readfile(given.plugin .. "/doc/hasten.txt"), "\n")
assert(load(help:match("To see lenses: >lua\n(.-)\n<")))()
vim.lsp.config("hasten", { cmd = given.cmd, settings = { hasten = given.settings } })
vim.lsp.enable("hasten")
vim.cmd.edit(vim.fn.fnameescape(given.file))
vim.bo.filetype = given.filetype or "python"

local client
wait("attach", function()
  client = vim.lsp.get_clients({ name = "hasten", bufnr = 0 })[1]
  return client ~= nil and client.initialized
end)
said.encoding = client.offset_encoding

local steps = {}

function steps.health()
  vim.cmd("checkhealth hasten")
  said.health = lines()
  vim.cmd("bdelete!")
end

function steps.hint()
  wait("hint", function()
    return #vim.diagnostic.get(0) > 0
  end)
  local hint = vim.diagnostic.get(0, { lnum = given.line - 1 })[1]
  said.hint = { message = hint.message, severity = hint.severity, line = hint.lnum }
end

function steps.lens()
  local lenses
  wait("lens", function()
    lenses = vim.lsp.codelens.get(0)
    return #lenses > 0
  end)
  said.lens = lenses[1].command.title
end

function steps.hover()
  vim.api.nvim_win_set_cursor(0, { given.line, 5 })
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
  local answer = client:request_sync("textDocument/hover", params, LIMIT, 0)
  said.hover = answer.result.contents.value
end

local function act(pattern)
  vim.api.nvim_win_set_cursor(0, { given.line, 5 })
  vim.lsp.buf.code_action({
    apply = true,
    filter = function(action)
      return action.title:find(pattern) ~= nil
    end,
  })
end

function steps.optimize()
  act("^Optimize ")
  wait("the end of the search", function()
    return progress.ended > 0
  end)
end

function steps.cancel()
  act("^Optimize ")
  wait("a report", function()
    return #progress.reports > 0
  end)
  client:notify("window/workDoneProgress/cancel", { token = next(client.progress.pending) })
  wait("the end of the search", function()
    return progress.ended > 0
  end)
end

function steps.apply()
  local before = lines()
  act("%(proved%)$")
  wait("the edit", function()
    return lines() ~= before
  end)
  said.applied = lines()
  vim.cmd.undo()
  said.undone = lines() == before
end

for _, step in ipairs(given.steps) do
  steps[step]()
end
said.reports = #progress.reports
client:stop()
wait("the end of the server", function()
  return client:is_stopped()
end)
io.stdout:write("\n" .. vim.json.encode(said) .. "\n")
os.exit(0)
