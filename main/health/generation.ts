import type { Config, RealServerConfig, VirtualServerConfig } from "../config/model.js";
import type { ServerCheckConfig } from "../config/model-checks.js";
import type { Milliseconds } from "../units.js";
import { type CheckMemory, carryOver, freshServer } from "./carry-over.js";
import type { CheckRegistry, RegisteredCheck } from "./check-registry.js";
import type { HealthEffect } from "./effects.js";
import { serviceKey, virtualServerName } from "./names.js";
import type { Moment } from "./removal-floor.js";
import { startVirtualServer } from "./virtual-server.js";
import type { LiveServer, Step, VirtualServerContext } from "./virtual-server-state.js";

/** The virtual servers of one configuration, in its order. Replaced as a whole by a reload. */
export type Generation = readonly LiveServer[];

export interface Succession {
  readonly generation: Generation;
  /** Of `generation`: new, or with another configuration than before. */
  readonly changed: readonly LiveServer[];
  /** Of the generation before: changed or gone. Their checks are to be taken out of the registry. */
  readonly replaced: readonly LiveServer[];
  /** Of those: gone. */
  readonly gone: readonly LiveServer[];
  /** What it gave rise to; to be performed once it is in force. */
  readonly effects: readonly HealthEffect[];
}

export interface GenerationDeps {
  readonly registry: CheckRegistry;
  readonly identityOf: (check: ServerCheckConfig) => string;
  /** What is known of an identity, if only from before a restart. */
  readonly knownOf: (identity: string) => "up" | "down" | undefined;
  /** Likewise of a new check. */
  readonly recall: (check: RegisteredCheck) => void;
  /** For a virtual server that was not there before. */
  readonly newGroup: () => number;
  /** Of no check anything is known, so that states need none of their identities: `registerChecks` adds them to the registry. */
  readonly checksLater: boolean;
  /** Before a crash; absent: nobody was. */
  readonly heldSince?: (live: Pick<LiveServer, "key">, server: RealServerConfig) => Milliseconds | undefined;
  /** For those whom a reload takes out of service. Absent: they go. */
  readonly moment?: Moment;
  /** Before a crash, by key; absent: nobody had any. */
  readonly knownQuorum?: (virtualServer: string) => "up" | "down" | undefined;
}

/**
 * Builds the state for `config` out of `before`, in steps of one server each (see slices.ts). What is the same object in both
 * configurations costs nothing. Adds the new checks to the registry, if not later; touches nothing else.
 */
export function* buildGeneration(
  config: Config,
  before: Generation,
  deps: GenerationDeps,
): Generator<void, Succession> {
  const olds = new Map<string, LiveServer>();
  for (const old of before) {
    olds.set(old.key, old);
    yield;
  }
  const keyOf = keys();
  const { routerId, lvs, alerts } = config.global;
  const common = { routerId, initNotifies: lvs.initNotifies, mailsServersOnly: !alerts.checkerChanges };
  const asBefore = ({ context }: LiveServer): boolean =>
    context.routerId === routerId && context.mailsServersOnly === common.mailsServersOnly;
  const generation: LiveServer[] = [];
  const changed: LiveServer[] = [];
  const replaced: LiveServer[] = [];
  const effects: HealthEffect[] = [];
  for (const [index, virtualServer] of config.virtualServers.entries()) {
    const key = keyOf(virtualServer);
    const old = olds.get(key);
    olds.delete(key);
    if (old?.context.config === virtualServer && asBefore(old)) generation.push(old);
    else {
      const context = { config: virtualServer, name: virtualServerName(virtualServer.service), ...common };
      const { live, step } = yield* liven(key, index, context, old, deps);
      generation.push(live);
      changed.push(live);
      if (old !== undefined) replaced.push(old);
      for (const effect of step.effects) effects.push(effect);
    }
    yield;
  }
  const gone = [...olds.values()];
  return { generation, changed, replaced: [...replaced, ...gone], gone, effects };
}

function* liven(
  key: string,
  index: number,
  context: VirtualServerContext,
  old: LiveServer | undefined,
  deps: GenerationDeps,
): Generator<void, { readonly live: LiveServer; readonly step: Step }> {
  const identities = yield* identitiesOf(old);
  const identityOf = (check: ServerCheckConfig): string => {
    let identity = identities.get(check);
    if (identity === undefined) {
      identity = deps.identityOf(check);
      identities.set(check, identity);
    }
    return identity;
  };
  const group = old?.group ?? deps.newGroup();
  const live: LiveServer = {
    key,
    group,
    groups: [group],
    context,
    index,
    checks: [],
    state: { quorum: "down", servers: [], weightAlive: 0 },
  };
  const { registry, recall, knownOf, checksLater } = deps;
  if (!checksLater) yield* register(live, identityOf, registry, recall);
  const nothing = (): undefined => undefined;
  const lastKnown: CheckMemory["known"] = (check) =>
    registry.known(check, identityOf(check)) ?? knownOf(identityOf(check));
  const known = checksLater ? nothing : lastKnown;
  const value: CheckMemory["value"] = checksLater ? nothing : (check) => registry.value(check, identityOf(check));
  const heldSince: CheckMemory["heldSince"] = (server) => deps.heldSince?.(live, server);
  const memory: CheckMemory = { identityOf, known, value, heldSince };
  const step =
    old === undefined
      ? yield* fresh(context, memory, deps.knownQuorum?.(key))
      : yield* carryOver(context, old, memory, deps.moment);
  live.state = step.state;
  return { live, step };
}

/** What `checksLater` has left out. In steps of one server each. */
export function* registerChecks(
  generation: Generation,
  { identityOf, registry }: Pick<GenerationDeps, "identityOf" | "registry">,
): Generator<void> {
  for (const live of generation) yield* register(live, identityOf, registry, () => {});
}

function* register(
  live: LiveServer,
  identityOf: CheckMemory["identityOf"],
  registry: CheckRegistry,
  recall: GenerationDeps["recall"],
): Generator<void> {
  const checks: RegisteredCheck[][] = [];
  live.checks = checks;
  for (const [server, real] of live.context.config.realServers.entries()) {
    const registered = (check: ServerCheckConfig, checker: number): RegisteredCheck => {
      const added = registry.add(check, identityOf(check), { live, server, checker });
      if (added.news === "new") recall(added);
      return added;
    };
    checks.push(real.checks.map(registered));
    yield;
  }
}

/** Of checks that were there before: computing an identity takes longer than all the rest. */
function* identitiesOf(old: LiveServer | undefined): Generator<void, Map<ServerCheckConfig, string>> {
  const identities = new Map<ServerCheckConfig, string>();
  for (const [server, registered] of (old?.checks ?? []).entries()) {
    const configs = old?.context.config.realServers[server]?.checks ?? [];
    for (const [checker, check] of configs.entries()) {
      const identity = registered[checker]?.identity;
      if (identity !== undefined) identities.set(check, identity);
    }
    yield;
  }
  return identities;
}

function* fresh(
  context: VirtualServerContext,
  memory: CheckMemory,
  quorum: "up" | "down" | undefined,
): Generator<void, Step> {
  const servers = [];
  for (const server of context.config.realServers) {
    servers.push(freshServer(server, memory));
    yield;
  }
  return startVirtualServer(context, servers, quorum);
}

/** One key each; the second virtual server of the same service is told from the first by its place. */
export function keys(): (config: VirtualServerConfig) => string {
  const seen = new Map<string, number>();
  return ({ service }) => {
    const key = serviceKey(service);
    const ordinal = seen.get(key) ?? 0;
    seen.set(key, ordinal + 1);
    return ordinal === 0 ? key : `${key} #${ordinal}`;
  };
}
