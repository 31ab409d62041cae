import { getSystemErrorName } from "node:util";
import type { ScriptCommand } from "../config/model.js";
import type { Log } from "../observe/log.js";
import type { Milliseconds } from "../units.js";
import type { ScriptResult } from "../vrrp/ports.js";
import type { HostScriptRunner } from "./script-runner.js";

/** startup_script runs before anything else begins, shutdown_script after everything has ended. */
export type LifecycleScript = "startup" | "shutdown";

/**
 * Runs one and resolves when it has ended, by itself or because its time is over. Whatever comes of it is only said: what it
 * was to prepare, or to clear away, is no reason not to serve and none to stay. `signal` ends it early.
 */
export function runLifecycleScript(
  which: LifecycleScript,
  command: ScriptCommand,
  timeout: Milliseconds,
  { scripts, log, signal }: { scripts: Pick<HostScriptRunner, "run">; log: Log; signal?: AbortSignal },
): Promise<void> {
  const [file] = command.argv;
  log("info", "script.lifecycle", `Running ${which} script ${file}`, { which, file });
  return new Promise((resolve) => {
    const end = (): void => running.end();
    const running = scripts.run(command, [], timeout, (result) => {
      signal?.removeEventListener("abort", end);
      report(which, file, result, signal?.aborted === true, log);
      resolve();
    });
    signal?.addEventListener("abort", end);
    if (signal?.aborted === true) end();
  });
}

function report(which: LifecycleScript, file: string, result: ScriptResult, givenUp: boolean, log: Log): void {
  const fields = { which, file, result: result.kind, value: result.value };
  const say = (level: "warning" | "debug", sentence: string): void =>
    log(level, "script.lifecycle-ended", `${which} script ${sentence}`, fields);
  switch (result.kind) {
    case "exited":
      if (result.value === 0) say("debug", "succeeded");
      else say("warning", `failed, status ${result.value} - run ${file} by hand as its user to see why`);
      return;
    case "signalled":
      say("warning", `was ended by signal ${result.value}`);
      return;
    case "timed-out":
      if (givenUp) say("warning", "was ended: the daemon is to stop");
      else say("warning", `timed out and was ended - make ${file} faster, or raise ${which}_script_timeout`);
      return;
    case "not-started":
      say("warning", `${file} cannot be started: ${getSystemErrorName(-result.value)} - the daemon goes on without it`);
      return;
  }
}
