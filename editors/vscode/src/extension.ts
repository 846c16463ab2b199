/**
 * Starts `hasten lsp` for files of the languages that it knows and shows what it says. All knowledge
 * is in the server; this passes on what only the editor knows: which program to start, and whether
 * the workspace is trusted.
 */

import * as vscode from "vscode";
import {
  LanguageClient,
  type LanguageClientOptions,
  type ServerOptions,
  State,
} from "vscode-languageclient/node";
import { ProgressNotifications } from "./progress";

/** The library shows a message of its own about a failed start beside ours: to the log with it. */
class Client extends LanguageClient {
  override error(message: string, data?: unknown, show: boolean | "force" = true): void {
    super.error(message, data, this.state === State.Running && show);
  }
}

const LANGUAGES = [
  "python",
  "c",
  "cpp",
  "javascript",
  "javascriptreact",
  "typescript",
  "typescriptreact",
];

let client: LanguageClient | undefined;
let turn: Promise<void> = Promise.resolve();

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const output = vscode.window.createOutputChannel("hasten", { log: true });
  context.subscriptions.push(
    output,
    vscode.commands.registerCommand("hasten.profileProcess", profileProcess),
    vscode.workspace.onDidGrantWorkspaceTrust(() => void restart(output)),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("hasten.path")) {
        void restart(output);
      }
    }),
  );
  await restart(output);
}

export async function deactivate(): Promise<void> {
  await turn;
  await client?.stop().catch(() => undefined);
}

async function profileProcess(): Promise<void> {
  const given = await vscode.window.showInputBox({
    title: "hasten: profile a running process",
    prompt: "Process id; it is sampled for ten seconds",
    validateInput: (text) => (/^[1-9]\d*$/.test(text.trim()) ? undefined : "a number"),
  });
  if (given !== undefined) {
    await vscode.commands.executeCommand("hasten.profile", { pid: Number(given.trim()) });
  }
}

function restart(output: vscode.LogOutputChannel): Promise<void> {
  // The server learns of trust only when it begins: later messages could come from the workspace.
  // One after the other, since trust can change hasten.path too: of two clients that start at once
  // the second one's commands exist already.
  turn = turn.then(async () => {
    await client?.stop().catch(() => undefined);
    await start(output);
  });
  return turn;
}

async function start(output: vscode.LogOutputChannel): Promise<void> {
  const command = vscode.workspace.getConfiguration("hasten").get<string>("path") || "hasten";
  const server: ServerOptions = { command, args: ["lsp"] };
  const progress = new ProgressNotifications((token) => {
    void client?.sendNotification("window/workDoneProgress/cancel", { token });
  });
  const options: LanguageClientOptions = {
    documentSelector: LANGUAGES.map((language) => ({ scheme: "file", language })),
    outputChannel: output,
    initializationOptions: { trusted: vscode.workspace.isTrusted },
    middleware: {
      handleWorkDoneProgress: (token, params) => progress.handle(token, params),
    },
    initializationFailedHandler: () => false,
  };
  client = new Client("hasten", "hasten", server, options);
  try {
    await client.start();
  } catch (error) {
    // Not awaited: the extension is active, and can start again, while the message is on screen.
    void tellFailure(command, error instanceof Error ? error.message : String(error));
  }
}

async function tellFailure(command: string, reason: string): Promise<void> {
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
