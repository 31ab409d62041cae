import type { RealServerConfig } from "../config/model.js";
import type { ServerCheckConfig } from "../config/model-checks.js";
import type { Milliseconds } from "../units.js";
import { isSameRun } from "./check-registry.js";
import { goneEffects } from "./departure.js";
import type { HealthEffect } from "./effects.js";
import { realServerKey } from "./names.js";
import { isPooled } from "./pooled.js";
import { aliveWeight, settleQuorum } from "./quorum.js";
import { type CheckerState, firstState, heldAs, isAlive, type RealServerState, realServer } from "./real-server.js";
import { atOnce, heldBack, isInService, leaving, type Moment, retentionIn } from "./removal-floor.js";
import { beginning, serverEffects, weightEffects } from "./virtual-server.js";
import type { Step, VirtualServerContext, VirtualServerState } from "./virtual-server-state.js";
import { effectiveWeight, setsWeight, someDeltas, type WeightDeltas, weightDelta } from "./weights.js";

export interface CheckMemory {
  readonly identityOf: (check: ServerCheckConfig) => string;
  /** What is known of a check by its identity, whoever asked for it before. */
  readonly known: (check: ServerCheckConfig) => "up" | "down" | undefined;
  /** What a check that sets weights has said last (see `weightDelta`). */
  readonly value: (check: ServerCheckConfig) => number | undefined;
  /** Before a crash it was held back in the table. */
  readonly heldSince?: (server: RealServerConfig) => Milliseconds | undefined;
}

interface Before {
  readonly config: RealServerConfig;
  readonly state: RealServerState;
}

/** A real server's checkers: known states go on, unknown ones begin by `alpha`. */
export function freshServer(server: RealServerConfig, memory: CheckMemory): RealServerState {
  const checkers = server.checks.map((check) => firstState(memory.known(check), isAlpha(check)));
  const state = realServer(checkers, deltasOf(server, memory));
  return heldAs(state, isAlive(state) ? undefined : memory.heldSince?.(server));
}

/** What follows a file is told before it counts. */
const isAlpha = (check: ServerCheckConfig): boolean => isPooled(check) && check.timing.alpha;

/** Of values, not of deltas: with another weight configured a program's status means another difference. */
function deltasOf({ checks, weight }: RealServerConfig, memory: CheckMemory): WeightDeltas | undefined {
  if (!checks.some(setsWeight)) return undefined;
  return someDeltas(checks.map((check) => (setsWeight(check) ? weightDelta(check, memory.value(check), weight) : 0)));
}

/**
 * Pure: a virtual server that exists before and after a reload. Servers and quorum keep their states; only what really
 * changed is said, so a reload without change has no effects. In steps of one server each.
 * @param moment whom a new check takes out of service is held back like anybody whose check fails now
 */
export function* carryOver(
  context: VirtualServerContext,
  old: { readonly context: VirtualServerContext; readonly state: VirtualServerState },
  memory: CheckMemory,
  moment: Moment = atOnce,
): Generator<void, Step> {
  const before = new Map<string, Before>();
  for (const [i, config] of old.context.config.realServers.entries()) {
    const state = old.state.servers[i];
    if (state !== undefined) before.set(realServerKey(config), { config, state });
    yield;
  }
  const servers: RealServerState[] = [];
  const predecessors: (Before | undefined)[] = [];
  for (const config of context.config.realServers) {
    const key = realServerKey(config);
    const kept = before.get(key);
    before.delete(key);
    predecessors.push(kept);
    const state = kept === undefined ? freshServer(config, memory) : keptServer(config, kept, memory);
    servers.push(holdsBack(context, moment) && falls(kept, state) ? heldAs(state, moment.now) : state);
    yield;
  }
  yield* letGo(context, servers, moment);
  const effects: HealthEffect[] = [];
  for (const [i, config] of context.config.realServers.entries()) {
    const [kept, state] = [predecessors[i], servers[i]];
    if (state === undefined) continue;
    if (kept === undefined) effects.push(...beginning(context, config, state));
    else effects.push(...changes(context, config, state, kept, moment));
    yield;
  }
  for (const gone of before.values()) {
    effects.push(...goneEffects(old.context, gone.config, gone.state));
    yield;
  }
  const weightAlive = aliveWeight(context.config, servers);
  const carried = { quorum: old.state.quorum, servers, weightAlive, ...retentionIn(servers) };
  const settled = settleQuorum(context, carried, "running");
  return { state: settled.state, effects: [...effects, ...settled.effects] };
}

const holdsBack = ({ config }: VirtualServerContext, { frozen }: Moment): boolean =>
  frozen || config.removalFloor !== undefined;

const falls = (kept: Before | undefined, state: RealServerState): boolean =>
  kept !== undefined && isInService(kept.state) && !isInService(state);

/** All who fall are held back at first: only then it is known how many there are, and who may go. */
function* letGo(context: VirtualServerContext, servers: RealServerState[], moment: Moment): Generator<void> {
  const state: VirtualServerState = { quorum: "up", servers, weightAlive: 0, ...retentionIn(servers) };
  for (const _ of leaving(context, state, moment)) yield;
}

/** A checker that is new on a server which is out of service has to pass first: a changed check is no way back in. */
function keptServer(config: RealServerConfig, kept: Before, memory: CheckMemory): RealServerState {
  if (config === kept.config) return kept.state;
  const dead = !isAlive(kept.state);
  const state = realServer(
    config.checks.map((check) => keptState(check, kept, memory) ?? firstState(undefined, dead || isAlpha(check))),
    deltasOf(config, memory),
  );
  return heldAs(state, isAlive(state) ? undefined : kept.state.heldSince);
}

/**
 * A check that the server had already stays as it was there; at other times than before it is as somebody heard last. Where it had the
 * same twice, and nothing is heard yet, `alpha` tells which is which.
 */
function keptState(check: ServerCheckConfig, { config, state }: Before, memory: CheckMemory): CheckerState | undefined {
  const identity = memory.identityOf(check);
  let atTheseTimes: CheckerState | undefined;
  let atOtherTimes: CheckerState | undefined;
  for (const [i, old] of config.checks.entries()) {
    if (memory.identityOf(old) !== identity) continue;
    if (!isSameRun(old, check)) atOtherTimes ??= state.checkers[i];
    else if (isAlpha(old) === isAlpha(check)) return state.checkers[i];
    else atTheseTimes ??= state.checkers[i];
  }
  return atTheseTimes ?? memory.known(check) ?? atOtherTimes;
}

function changes(
  context: VirtualServerContext,
  config: RealServerConfig,
  state: RealServerState,
  kept: Before,
  { frozen }: Moment,
): HealthEffect[] {
  const serves = isInService(state);
  const effects: HealthEffect[] = [];
  const from = effectiveWeight(kept.config.weight, kept.state.deltas);
  effects.push(...weightEffects(context, config, state, from).filter((effect) => effect.do === "log"));
  if (serves !== isInService(kept.state)) effects.push(...serverEffects(context, config, serves ? "up" : "down"));
  else if (state.heldSince !== undefined && kept.state.heldSince === undefined)
    effects.push(heldBack(context, config, frozen));
  return effects;
}
