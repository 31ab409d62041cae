import type { TrackProcessConfig } from "../config/model-vrrp.js";

/** Which processes a vrrp_track_process means, and what their number says. Pure. */

/** What is known of a process: the name of /proc/PID/comm, and its words of /proc/PID/cmdline. */
export interface ProcessFacts {
  readonly comm: string;
  /** Empty for threads of the kernel. */
  readonly argv: readonly string[];
}

export type ProcessPattern = Pick<TrackProcessConfig, "name" | "command" | "parameters" | "match" | "fullCommand">;

/** TASK_COMM_LEN of the kernel, less its NUL. */
const MOST_COMM = 15;

export function matches(pattern: ProcessPattern, { comm, argv }: ProcessFacts): boolean {
  const [program, ...parameters] = argv;
  const named =
    pattern.fullCommand || pattern.match !== "none" ? program === pattern.command : comm === commOf(pattern);
  return named && parametersMatch(pattern, parameters);
}

function commOf({ command }: ProcessPattern): string {
  const name = command.slice(command.lastIndexOf("/") + 1);
  return Buffer.from(name).subarray(0, MOST_COMM).toString("latin1");
}

/** keepalived.conf(5) param_match. `partial`: more parameters may follow; `initial`: the last one may go on. */
function parametersMatch({ match, parameters: wanted }: ProcessPattern, parameters: readonly string[]): boolean {
  switch (match) {
    case "none":
      return true;
    case "exact":
      return parameters.length === wanted.length && wanted.every((word, i) => word === parameters[i]);
    case "partial":
      return wanted.every((word, i) => word === parameters[i]);
    default: {
      const last = wanted.length - 1;
      const whole = wanted.slice(0, last).every((word, i) => word === parameters[i]);
      return parameters.length === wanted.length && whole && (parameters[last] ?? "").startsWith(wanted[last] ?? "");
    }
  }
}

/** Enough processes, and not too many. quorum_max 0: none may run. */
export function hasQuorum(
  { quorum, quorumMax }: Pick<TrackProcessConfig, "quorum" | "quorumMax">,
  count: number,
): boolean {
  if (quorumMax === 0) return count === 0;
  return count >= quorum && (quorumMax === undefined || count <= quorumMax);
}

/** State of one tracker: what it says, and when that changes unless the number of processes does before. */
export interface QuorumState {
  readonly count: number | undefined;
  readonly up: boolean;
  /** Undefined: no change is pending. */
  readonly changesAt: number | undefined;
}

export const uncounted: QuorumState = { count: undefined, up: false, changesAt: undefined };

/** The number of processes is now `count`. A change waits: fork_delay after one more, terminate_delay after one less. */
export function counted(
  config: Pick<TrackProcessConfig, "quorum" | "quorumMax" | "forkDelay" | "terminateDelay">,
  state: QuorumState,
  count: number,
  now: number,
): QuorumState {
  const up = hasQuorum(config, count);
  if (state.count === undefined) return { count, up, changesAt: undefined };
  if (up === state.up) return { count, up, changesAt: undefined };
  const delay = count > state.count ? config.forkDelay : config.terminateDelay;
  if (delay === 0) return { count, up, changesAt: undefined };
  return { count, up: state.up, changesAt: state.changesAt ?? now + delay };
}

/** The delay is over. */
export const elapsed = (config: Pick<TrackProcessConfig, "quorum" | "quorumMax">, state: QuorumState): QuorumState => ({
  count: state.count,
  up: hasQuorum(config, state.count ?? 0),
  changesAt: undefined,
});
