/**
 * Shows the server's progress as notifications. The language client shows it in the status bar,
 * where VS Code has no cancel button.
 */

import * as vscode from "vscode";
import type {
  ProgressToken,
  WorkDoneProgressBegin,
  WorkDoneProgressEnd,
  WorkDoneProgressReport,
} from "vscode-languageclient";

type Params = WorkDoneProgressBegin | WorkDoneProgressReport | WorkDoneProgressEnd;
type Shown = { report: (message: string | undefined, percentage: number) => void; end: () => void };

export class ProgressNotifications {
  private readonly shown = new Map<ProgressToken, Shown>();

  constructor(private readonly cancel: (token: ProgressToken) => void) {}

  handle(token: ProgressToken, params: Params): void {
    switch (params.kind) {
      case "begin":
        this.begin(token, params);
        break;
      case "report":
        this.shown.get(token)?.report(params.message, params.percentage ?? 0);
        break;
      case "end":
        this.shown.get(token)?.end();
        this.shown.delete(token);
        break;
    }
  }

  private begin(token: ProgressToken, params: WorkDoneProgressBegin): void {
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    const waiting: { message: string | undefined; percentage: number }[] = [];
    let report: Shown["report"] = (message, percentage) => waiting.push({ message, percentage });
    this.shown.set(token, { report: (message, percentage) => report(message, percentage), end });
    void vscode.window.withProgress(
      {
        location: vscode.ProgressLocation.Notification,
        title: params.title,
        cancellable: params.cancellable ?? false,
      },
      (progress, cancellation) => {
        let done = 0;
        cancellation.onCancellationRequested(() => this.cancel(token));
        report = (message, percentage) => {
          const increment = Math.max(0, percentage - done);
          done += increment;
          progress.report({ message, increment });
        };
        for (const earlier of waiting) {
          report(earlier.message, earlier.percentage);
        }
        return ended;
      },
    );
  }
}
