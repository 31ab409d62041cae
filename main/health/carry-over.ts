import type { CheckConfig, RealServerConfig } from "../config/model.js";
import { goneEffects } from "./departure.js";
import type { HealthEffect } from "./effects.js";
import { realServerKey, realServerName } from "./names.js";
import { aliveWeight, settleQuorum } from "./quorum.js";
import { type CheckerState, firstState, isAlive, type RealServerState, realServer } from "./real-server.js";
import { serverEffects } from "./virtual-server.js";
import type { Step, VirtualServerContext, VirtualServerState } from "./virtual-server-state.js";

export interface CheckMemory {
  readonly identityOf: (check: CheckConfig) => string;
  /** What is known of a check by its identity, whoever asked for it before. */
  readonly known: (check: CheckConfig) => "up" | "down" | undefined;
}

interface Before {
  readonly config: RealServerConfig;
  readonly state: RealServerState;
}

/** A real server's checkers: known states go on, unknown ones begin by `alpha`. */
export function freshServer(server: RealServerConfig, memory: CheckMemory): RealServerState {
  return realServer(server.checks.map((check) => firstState(memory.known(check), check.timing.alpha)));
}

/**
 * Pure: a virtual server that exists before and after a reload. Servers and quorum keep their states; only what really
 * changed is said, so a reload without change has no effects. In steps of one server each.
 */
export function* carryOver(
  context: VirtualServerContext,
  old: { readonly context: VirtualServerContext; readonly state: VirtualServerState },
  memory: CheckMemory,
): Generator<void, Step> {
  const before = new Map<string, Before>();
  for (const [i, config] of old.context.config.realServers.entries()) {
    const state = old.state.servers[i];
    if (state !== undefined) before.set(realServerKey(config), { config, state });
    yield;
  }
  const effects: HealthEffect[] = [];
  const servers: RealServerState[] = [];
  for (const config of context.config.realServers) {
    const key = realServerKey(config);
    const kept = before.get(key);
    before.delete(key);
    const state = kept === undefined ? freshServer(config, memory) : keptServer(config, kept, memory);
    if (kept !== undefined) effects.push(...changes(context, config, state, kept));
    servers.push(state);
    yield;
  }
  for (const gone of before.values()) {
    effects.push(...goneEffects(old.context, gone.config, gone.state));
    yield;
  }
  const weightAlive = aliveWeight(context.config, servers);
  const settled = settleQuorum(context, { quorum: old.state.quorum, servers, weightAlive }, "running");
  return { state: settled.state, effects: [...effects, ...settled.effects] };
}

/** A checker that is new on a server which is out of service has to pass first: a changed check is no way back in. */
function keptServer(config: RealServerConfig, kept: Before, memory: CheckMemory): RealServerState {
  if (config === kept.config) return kept.state;
  const dead = !isAlive(kept.state);
  return realServer(
    config.checks.map((check) => {
      const known = memory.known(check);
      return known ?? assumedBefore(check, kept, memory) ?? firstState(undefined, dead || check.timing.alpha);
    }),
  );
}

/** A check that the server had already but that has not reported yet stays as it was. */
function assumedBefore(check: CheckConfig, kept: Before, memory: CheckMemory): CheckerState | undefined {
  const identity = memory.identityOf(check);
  return kept.state.checkers[kept.config.checks.findIndex((old) => memory.identityOf(old) === identity)];
}

function changes(
  context: VirtualServerContext,
  config: RealServerConfig,
  state: RealServerState,
  kept: Before,
): HealthEffect[] {
  const alive = isAlive(state);
  const effects: HealthEffect[] = [];
  if (config.weight !== kept.config.weight) {
    const names = { realServer: realServerName(context.config.service, config), virtualServer: context.name };
    const from = `Changing weight from ${kept.config.weight} to ${config.weight}`;
    const sentence = `${from} for ${alive ? "active" : "inactive"} service ${names.realServer} of VS ${context.name}`;
    effects.push({ do: "log", level: "notice", event: "health.weight", sentence, fields: names });
  }
  if (alive !== isAlive(kept.state)) effects.push(...serverEffects(context, config, alive ? "up" : "down"));
  return effects;
}
