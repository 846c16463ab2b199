---@brief
---
--- hasten makes slow code faster and proves it before it says so.
---
--- Add this folder to 'runtimepath' and call `vim.lsp.enable("hasten")`. See |hasten|.

---@type vim.lsp.Config
return {
  cmd = { "hasten", "lsp" },
  filetypes = { "python", "c", "cpp" },
  root_markers = { "hasten.toml", "pyproject.toml", "setup.py", "setup.cfg", ".git" },
  -- `:help hasten-settings`; sent by workspace/didChangeConfiguration.
  settings = { hasten = {} },
}
