import type { CheckConfig, Config, RealServerConfig, VirtualServerConfig } from "../config/model.js";
import { type CheckMemory, carryOver, freshServer } from "./carry-over.js";
import { CheckRegistry } from "./check-registry.js";
import { removalEffects } from "./departure.js";
import type { HealthEffect } from "./effects.js";
import { serviceKey, virtualServerName } from "./names.js";
import { startVirtualServer } from "./virtual-server.js";
import type { Step, VirtualServerContext, VirtualServerState } from "./virtual-server-state.js";

/** Everything that belongs to one configuration. Replaced as a whole by a reload. */
export interface Generation {
  readonly virtualServers: readonly VirtualServerContext[];
  /** Same order. The director replaces single elements. */
  readonly states: VirtualServerState[];
  readonly registry: CheckRegistry;
  /** What building it gave rise to; to be performed once it is in force. */
  readonly effects: readonly { readonly virtualServer: number | undefined; readonly effect: HealthEffect }[];
}

export interface GenerationDeps {
  readonly identityOf: (check: CheckConfig) => string;
  readonly knownOf: (identity: string) => "up" | "down" | undefined;
}

/** Builds the state for `config` out of `before`, in steps of one server each (see slices.ts). Pure but for the look-ups. */
export function* buildGeneration(
  config: Config,
  before: Generation | undefined,
  deps: GenerationDeps,
): Generator<void, Generation> {
  const registry = new CheckRegistry(before?.registry);
  const virtualServers = config.virtualServers.map((virtualServer) => contextOf(virtualServer, config.global.routerId));
  const identities = new Map<CheckConfig, string>();
  for (const [index, { realServers }] of config.virtualServers.entries()) {
    for (const [server, real] of realServers.entries()) {
      register(registry, identities, real, { virtualServer: index, server }, deps);
      yield;
    }
  }
  registry.complete();
  const identityOf = (check: CheckConfig): string => identities.get(check) ?? deps.identityOf(check);
  const memory: CheckMemory = { identityOf, known: (check) => deps.knownOf(identityOf(check)) };
  const states: VirtualServerState[] = [];
  const effects: Generation["effects"][number][] = [];
  const olds = byKey(before);
  const keys = keysOf(virtualServers);
  for (const [index, context] of virtualServers.entries()) {
    const key = keys[index] ?? "";
    const step = stepFor(context, olds.get(key), memory);
    olds.delete(key);
    states.push(step.state);
    for (const effect of step.effects) effects.push({ virtualServer: index, effect });
    yield;
  }
  for (const gone of olds.values()) {
    for (const effect of removalEffects(gone.context, gone.state)) effects.push({ virtualServer: undefined, effect });
    yield;
  }
  return { virtualServers, states, registry, effects };
}

interface Old {
  readonly context: VirtualServerContext;
  readonly state: VirtualServerState;
}

function contextOf(config: VirtualServerConfig, routerId: string): VirtualServerContext {
  return { config, name: virtualServerName(config.service), routerId };
}

function register(
  registry: CheckRegistry,
  identities: Map<CheckConfig, string>,
  real: RealServerConfig,
  place: { readonly virtualServer: number; readonly server: number },
  deps: GenerationDeps,
): void {
  real.checks.forEach((check, checker) => {
    const identity = deps.identityOf(check);
    identities.set(check, identity);
    registry.add(check, identity, { ...place, checker });
  });
}

function stepFor(context: VirtualServerContext, old: Old | undefined, memory: CheckMemory): Step {
  if (old !== undefined) return carryOver(context, old, memory);
  const servers = context.config.realServers.map((server) => freshServer(server, memory));
  return startVirtualServer(context, servers);
}

function byKey(before: Generation | undefined): Map<string, Old> {
  const olds = new Map<string, Old>();
  if (before === undefined) return olds;
  const keys = keysOf(before.virtualServers);
  before.virtualServers.forEach((context, index) => {
    const state = before.states[index];
    const key = keys[index];
    if (state !== undefined && key !== undefined) olds.set(key, { context, state });
  });
  return olds;
}

/** One key each; the second virtual server of the same service is told from the first by its place. */
function keysOf(contexts: readonly VirtualServerContext[]): string[] {
  const seen = new Map<string, number>();
  return contexts.map(({ config }) => {
    const key = serviceKey(config.service);
    const ordinal = seen.get(key) ?? 0;
    seen.set(key, ordinal + 1);
    return ordinal === 0 ? key : `${key} #${ordinal}`;
  });
}
