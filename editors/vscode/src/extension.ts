/**
 * Starts `hasten lsp` for Python files and shows what it says. All knowledge is in the server; this
 * passes on what only the editor knows: which program to start, and whether the workspace is
 * trusted.
 */

import * as vscode from "vscode";
import {
  LanguageClient,
  type LanguageClientOptions,
  type ServerOptions,
} from "vscode-languageclient/node";
import { ProgressNotifications } from "./progress";

let client: LanguageClient | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const output = vscode.window.createOutputChannel("hasten", { log: true });
  context.subscriptions.push(
    output,
    vscode.workspace.onDidGrantWorkspaceTrust(() => restart(output)),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("hasten.path")) {
        void restart(output);
      }
    }),
  );
  await start(output);
}

export async function deactivate(): Promise<void> {
  await client?.stop();
}

async function restart(output: vscode.LogOutputChannel): Promise<void> {
  // The server learns of trust only when it begins: later messages could come from the workspace.
  await client?.stop().catch(() => undefined);
  await start(output);
}

async function start(output: vscode.LogOutputChannel): Promise<void> {
  const command = vscode.workspace.getConfiguration("hasten").get<string>("path") || "hasten";
  const server: ServerOptions = { command, args: ["lsp"] };
  const progress = new ProgressNotifications((token) => {
    void client?.sendNotification("window/workDoneProgress/cancel", { token });
  });
  const options: LanguageClientOptions = {
    documentSelector: [{ scheme: "file", language: "python" }],
    outputChannel: output,
    initializationOptions: { trusted: vscode.workspace.isTrusted },
    middleware: {
      handleWorkDoneProgress: (token, params) => progress.handle(token, params),
    },
  };
  client = new LanguageClient("hasten", "hasten", server, options);
  try {
    await client.start();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const open = "Open settings";
    const chosen = await vscode.window.showErrorMessage(
      `hasten: "${command} lsp" could not be started: ${reason}. Install it with ` +
        `"pip install hasten", or set hasten.path to the whole path of the program.`,
      open,
    );
    if (chosen === open) {
      await vscode.commands.executeCommand("workbench.action.openSettings", "hasten.path");
    }
  }
}
