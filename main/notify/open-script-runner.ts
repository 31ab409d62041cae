import { spawnScript } from "../../native-bindings/process.js";
import type { Clock } from "../clock.js";
import { errnoName } from "../errors.js";
import { scriptEnvironment } from "./script-environment.js";
import { HostScriptRunner } from "./script-runner.js";

/** Runs scripts as processes of this host, with the daemon's present environment (cleaned). */
export function openScriptRunner(clock: Clock): HostScriptRunner {
  return new HostScriptRunner({ spawn: spawnScript, killGroup, env: scriptEnvironment(process.env) }, clock);
}

function killGroup(pid: number, signal: number): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // Nobody was left, or only what became another user's, which a daemon without CAP_KILL may not end.
    if (errnoName(error) !== "ESRCH" && errnoName(error) !== "EPERM") throw error;
  }
}
