local M = {}

local function run(command)
  local ok, done = pcall(function()
    return vim.system(command, { text = true }):wait(20000)
  end)
  return ok and done or nil
end

local function program()
  local config = vim.lsp.config["hasten"]
  return config and type(config.cmd) == "table" and config.cmd[1] or "hasten"
end

local function check_editor()
  if vim.fn.has("nvim-0.11") == 1 then
    vim.health.ok("Neovim " .. tostring(vim.version()))
  else
    vim.health.error("Neovim 0.11 or newer is needed", "update Neovim")
  end
end

local function check_program(name)
  if vim.fn.executable(name) == 0 then
    vim.health.error(
      ("`%s` is not an executable program"):format(name),
      { "pip install hasten", 'or vim.lsp.config("hasten", { cmd = { "/whole/path/to/hasten", "lsp" } })' }
    )
    return false
  end
  local done = run({ name, "--version" })
  if not done or done.code ~= 0 then
    vim.health.error(("`%s --version` fails"):format(name), done and done.stderr or nil)
    return false
  end
  vim.health.ok(vim.trim(done.stdout))
  return true
end

local function check_machine(name)
  local done = run({ name, "doctor", "--json" })
  local ok, found = pcall(vim.json.decode, done and done.stdout or "")
  if not ok or type(found) ~= "table" then
    vim.health.warn(("`%s doctor` gives no answer"):format(name))
    return
  end
  for part, check in vim.spairs(found) do
    if type(check) == "table" then
      local text = ("%s: %s"):format(part, tostring(check.value))
      if check.ok then
        vim.health.ok(text)
      else
        local mend = check.mend ~= vim.NIL and check.mend or nil
        vim.health.warn(text, mend)
      end
    end
  end
end

local function check_clients()
  local clients = vim.lsp.get_clients({ name = "hasten" })
  if #clients == 0 then
    vim.health.info('no buffer uses it yet: vim.lsp.enable("hasten"), then open a Python, C or C++ file')
  end
  for _, client in ipairs(clients) do
    vim.health.ok(("serves %s"):format(client.root_dir or "single files"))
  end
end

--- `:checkhealth hasten`
function M.check()
  vim.health.start("hasten")
  check_editor()
  local name = program()
  if check_program(name) then
    check_machine(name)
  end
  check_clients()
end

return M
