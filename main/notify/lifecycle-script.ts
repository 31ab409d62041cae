import { getSystemErrorName } from "node:util";
import type { Clock } from "../clock.js";
import type { ScriptCommand } from "../config/model.js";
import type { Log } from "../observe/log.js";
import { type Milliseconds, ms } from "../units.js";
import type { ScriptResult } from "../vrrp/ports.js";
import type { HostScriptRunner } from "./script-runner.js";

/** startup_script runs before anything else begins, shutdown_script after everything has ended. */
export type LifecycleScript = "startup" | "shutdown";

export interface LifecycleDeps {
  readonly scripts: Pick<HostScriptRunner, "run">;
  readonly clock: Clock;
  readonly log: Log;
  /** Ends it early. */
  readonly signal?: AbortSignal;
}

/** From SIGTERM on: SIGKILL comes after 2 s, and whoever is not in the kernel's hands ends at once. */
const LINGERS_AFTER = ms(4000);

/**
 * Runs one and resolves when it has ended, by itself or because its time is over, or when it cannot be ended: one that waits for a
 * dead disk does not obey SIGKILL. Whatever comes of it is only said: what it was to prepare, or to clear away, is no reason not to
 * serve and none to stay.
 */
export function runLifecycleScript(
  which: LifecycleScript,
  command: ScriptCommand,
  timeout: Milliseconds,
  { scripts, clock, log, signal }: LifecycleDeps,
): Promise<void> {
  const [file] = command.argv;
  log("info", "script.lifecycle", `Running ${which} script ${file}`, { which, file });
  return new Promise((resolve) => {
    let patience: Disposable | undefined;
    const wait = (time: Milliseconds): void => {
      patience?.[Symbol.dispose]();
      patience = clock.after(time, () => leave(() => reportLingering(which, file, running.pid, log)));
    };
    const end = (): void => {
      running.end();
      wait(LINGERS_AFTER);
    };
    let left = false;
    const leave = (say: () => void): void => {
      if (left) return; // it has ended after all
      left = true;
      patience?.[Symbol.dispose]();
      signal?.removeEventListener("abort", end);
      say();
      resolve();
    };
    const running = scripts.run(command, [], timeout, (result) =>
      leave(() => report(which, file, result, signal?.aborted === true, log)),
    );
    if (timeout > 0) wait(ms(timeout + LINGERS_AFTER));
    signal?.addEventListener("abort", end);
    if (signal?.aborted === true) end();
  });
}

/** keepalived's words, which log watchers know. */
function reportLingering(which: LifecycleScript, file: string, pid: number | undefined, log: Log): void {
  const who = pid === undefined ? "not started yet" : `PID ${pid}`;
  const sentence = `${which} script (${who}) failed to terminate after kill: going on without it - ${file} hangs in the kernel, look at the disks that it uses`;
  log("error", "script.lifecycle-lingers", sentence, { which, file, pid });
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
