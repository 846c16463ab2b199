---@brief
---
--- hasten makes slow code faster and proves it before it says so.
---
--- Add this folder to 'runtimepath' and call `vim.lsp.enable("hasten")`. See |hasten|.

---@type vim.lsp.Config
return {
  cmd = { "hasten", "lsp" },
  filetypes = {
    "python", "c", "cpp", "javascript", "javascriptreact", "typescript", "typescriptreact",
  },
  root_markers = { "hasten.toml", "pyproject.toml", "setup.py", "setup.cfg", "package.json", ".git" },
  -- `:help hasten-settings`; sent by workspace/didChangeConfiguration.
  settings = { hasten = {} },
}
