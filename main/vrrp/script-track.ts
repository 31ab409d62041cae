import type { VrrpScriptConfig } from "../config/model.js";
import { unreachable } from "../unreachable.js";
import type { ScriptResult } from "./ports.js";

/** Rise and fall of a vrrp_script. `streak`: results in a row that speak against the present state. */
export type ScriptState =
  | { readonly at: "init" }
  | { readonly at: "up"; readonly streak: number }
  | { readonly at: "down"; readonly streak: number };

export interface ScriptStep {
  readonly state: ScriptState;
  /** True when instances that track the script must be looked at again. */
  readonly edge: boolean;
  readonly sentences: readonly string[];
}

type Config = Pick<VrrpScriptConfig, "name" | "rise" | "fall" | "initFail">;

export const initialScriptState = (config: Config): ScriptState =>
  config.initFail ? { at: "down", streak: 0 } : { at: "init" };

/**
 * Pure. From `init` one result decides; later `rise` successes or `fall` failures in a row do.
 * @param lastExit exit code of the run before; undefined when there was none, which is told as 0
 */
export function scriptStep(
  config: Config,
  state: ScriptState,
  result: ScriptResult,
  lastExit: number | undefined,
): ScriptStep {
  const ok = result.kind === "exited" && result.value === 0;
  const next = ok ? afterSuccess(config, state) : afterFailure(config, state);
  const edge = next.at !== state.at;
  const sentences: string[] = [];
  if (result.kind === "exited" && (lastExit ?? 0) !== result.value) {
    sentences.push(`Script \`${config.name}\` now returning ${result.value}`);
  }
  if (edge) sentences.push(`VRRP_Script(${config.name}) ${outcome(result)}`);
  return { state: next, edge, sentences };
}

function afterSuccess(config: Config, state: ScriptState): ScriptState {
  switch (state.at) {
    case "init":
    case "up":
      return { at: "up", streak: 0 };
    case "down":
      return state.streak + 1 >= config.rise ? { at: "up", streak: 0 } : { at: "down", streak: state.streak + 1 };
    default:
      return unreachable(state);
  }
}

function afterFailure(config: Config, state: ScriptState): ScriptState {
  switch (state.at) {
    case "init":
    case "down":
      return { at: "down", streak: 0 };
    case "up":
      return state.streak + 1 >= config.fall ? { at: "down", streak: 0 } : { at: "up", streak: state.streak + 1 };
    default:
      return unreachable(state);
  }
}

function outcome(result: ScriptResult): string {
  switch (result.kind) {
    case "exited":
      return result.value === 0 ? "succeeded" : `failed (exited with status ${result.value})`;
    case "signalled":
      return `failed (due to signal ${result.value})`;
    case "timed-out":
      return "timed_out";
    case "not-started":
      return `failed (could not be started, errno ${result.value})`;
    default:
      return unreachable(result.kind);
  }
}

/** keepalived's sentence for a run that is skipped because the one before has not ended. */
export const overrunSentence = (name: string): string =>
  `Track script ${name} is already running, expect idle - skipping run`;

/** The state as keepalived counts it in dumps: 0..rise+fall-1, up from `rise` on. */
export function resultCounter(config: Config, state: ScriptState): number {
  switch (state.at) {
    case "init":
      return config.rise - 1;
    case "up":
      return config.rise + config.fall - 1 - state.streak;
    case "down":
      return state.streak;
    default:
      return unreachable(state);
  }
}
