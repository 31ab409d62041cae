import type { CheckEdge, CheckSpec, FailedAttempt, Regrouping } from "../../workers/protocol.js";
import type { CheckConfig, Config, VirtualServerConfig } from "../config/model.js";
import type { Log } from "../observe/log.js";
import type { CheckId } from "../units.js";
import { unreachable } from "../unreachable.js";
import { CheckRegistry, type CheckUser, type RegisteredCheck } from "./check-registry.js";
import { attemptSentence, edgeSentences, mailBody, reasonSentence } from "./check-sentences.js";
import { removalEffects, shutdownEffects } from "./departure.js";
import type { HealthEffect, ServerEvent } from "./effects.js";
import { buildGeneration, type Generation, registerChecks } from "./generation.js";
import { LastEdges } from "./last-edges.js";
import { realServerName } from "./names.js";
import { isUp } from "./real-server.js";
import { type Latencies, snapshotOf, type VirtualServerSnapshot } from "./snapshot.js";
import { applyReport, type PoolEntry, poolOf } from "./virtual-server.js";
import type { LiveServer } from "./virtual-server-state.js";
import { WorkQueue } from "./work-queue.js";

export interface DirectorDeps {
  readonly log: Log;
  /** Lasting name of what a check checks (main/config/identity.ts). */
  readonly identityOf: (check: CheckConfig) => string;
  /** Health from before a restart (the launcher's state memfd). */
  readonly known: (identity: string) => "up" | "down" | undefined;
  readonly remember: (identity: string, up: boolean) => void;
  /** Nobody checks this any more. */
  readonly forget: (identity: string) => void;
  /**
   * What IPVS must hold for this virtual server may have changed. Not called while a configuration is taken in. Of many edges at
   * once each tells: read the pool when they are over.
   */
  readonly onPoolChange: (virtualServer: number, pool: LivePool) => void;
  readonly onServerEvent: (event: ServerEvent) => void;
}

/** The destinations of one virtual server, to be read later; a reload may have come between. */
export interface LivePool {
  readonly config: VirtualServerConfig;
  /** False: gone or changed by a reload, which tells of that itself. */
  isInForce(): boolean;
  /** As of the call, computed as they are read. */
  entries(): Iterable<PoolEntry>;
}

/** What a new configuration changed. Iterables are computed as they are read, and only until the next reload. */
export interface Reloaded {
  /** Of `config.virtualServers`: their pools are to be read anew. */
  readonly changed: readonly number[];
  readonly gone: readonly VirtualServerConfig[];
  readonly checks: {
    readonly added: Iterable<CheckSpec>;
    readonly removed: readonly CheckId[];
    readonly regrouped: readonly Regrouping[];
  };
}

/**
 * Turns edges of checks into the state of servers and services. Wiring: `await start(config)`, maybe `registerChecks()`, then a CheckPool that gets
 * `checks()` and whose edges and attempts come back here; on reload `await reload(config)`, whose answer says what the pool
 * and the table have to change. Indices are those of `config.virtualServers`.
 */
export class HealthDirector {
  readonly #deps: DirectorDeps;
  readonly #lastEdge = new LastEdges();
  readonly #registry = new CheckRegistry();
  /** One for all of a storm. */
  readonly #livePools = new WeakMap<LiveServer, LivePool>();
  #generation: Generation = [];
  #groups = 0;
  readonly #work = new WorkQueue();

  constructor(deps: DirectorDeps) {
    this.#deps = deps;
  }

  /**
   * Takes the first configuration in force, in slices. Resolves when everything that it gives rise to has been told. With checks
   * "later", where nothing is known of any, pools can be read at once, and `registerChecks()` has to follow.
   */
  async start(config: Config, checks: "now" | "later" = "now"): Promise<void> {
    await this.#work.run(() => this.#take(config, checks === "later"));
  }

  /** The rest of a start: naming what every check checks takes longer than all that a table needs. */
  async registerChecks(): Promise<void> {
    const [registry, generation] = [this.#registry, this.#generation];
    const { identityOf } = this.#deps;
    await this.#work.run(function* () {
      yield* registerChecks(generation, { registry, identityOf });
      yield* registry.takeChanges(); // nobody runs any of them yet
    });
  }

  /**
   * Changes to another configuration, in slices. State goes on by identity: a reload without change says and does nothing, and
   * what is the same object in both configurations is not even looked at.
   */
  async reload(config: Config): Promise<Reloaded> {
    const done: { reloaded?: Reloaded } = {};
    const take = this.#take(config);
    await this.#work.run(function* () {
      done.reloaded = yield* take;
    });
    return done.reloaded ?? { changed: [], gone: [], checks: { added: [], removed: [], regrouped: [] } };
  }

  /** Edges as they come from the pool; handled in order, in slices. */
  onEdges(edges: readonly CheckEdge[]): void {
    this.#work.add(() => this.#handleEdges(edges));
  }

  onAttempts(failures: readonly FailedAttempt[]): void {
    this.#work.add(() => this.#handleAttempts(failures));
  }

  /** Every check that is wanted, each once: the registry's own records. */
  checks(): Generator<CheckSpec> {
    return this.#specs(this.#registry.all());
  }

  /** The destinations that IPVS must hold now, computed as they are read; none for a virtual server that does not exist. */
  pool(virtualServer: number): Iterable<PoolEntry> {
    const live = this.#generation[virtualServer];
    return live === undefined ? [] : poolOf(live.context, live.state);
  }

  /** Of a virtual server by its name in the log: whose latencies are asked for. Undefined: there is none. */
  groupOf(virtualServer: string): number | undefined {
    return this.#generation.find(({ context }) => context.name === virtualServer)?.group;
  }

  /** One virtual server per step, so that a large farm can be walked in slices. `latencies`: from the pool. */
  *snapshot(latencies?: Latencies): Generator<VirtualServerSnapshot> {
    for (const { context, state, checks } of this.#generation) {
      const idOf = (at: { server: number; checker: number }): CheckId | undefined =>
        checks[at.server]?.[at.checker]?.id;
      yield snapshotOf(context, state, {
        edge: (at) => lookUp(this.#lastEdge, idOf(at)),
        latency: (at) => latencies && lookUp(latencies, idOf(at)),
      });
    }
  }

  /** Says goodbye: log lines for all, scripts and mail where `omega` is set. The table is the caller's to empty. */
  shutdown(): Promise<void> {
    return this.#work.run(() => this.#shutdown());
  }

  *#take(config: Config, checksLater = false): Generator<void, Reloaded> {
    const registry = this.#registry;
    const { identityOf } = this.#deps;
    const knownOf = (identity: string): "up" | "down" | undefined => this.#knownOf(identity);
    const newGroup = (): number => this.#groups++;
    const deps = { registry, identityOf, knownOf, newGroup, checksLater };
    const succession = yield* buildGeneration(config, this.#generation, deps);
    const { generation, changed, replaced, gone, effects } = succession;
    this.#generation = generation;
    for (let index = 0; index < generation.length; index++) {
      const live = generation[index]; // at once: between two turns somebody may look for one by its index
      if (live !== undefined) live.index = index;
    }
    yield* this.#retire(replaced);
    const { added, removed, regrouped } = yield* registry.takeChanges();
    yield* this.#forget(removed);
    yield* this.#performAll(effects);
    for (const { context, state } of gone) yield* this.#performAll(removalEffects(context, state));
    return {
      changed: changed.map(({ index }) => index),
      gone: gone.map(({ context }) => context.config),
      checks: { added: this.#specs(added), removed: yield* idsOf(removed), regrouped },
    };
  }

  *#retire(replaced: readonly LiveServer[]): Generator<void> {
    for (const live of replaced) {
      for (const [server, checks] of live.checks.entries()) {
        for (const registered of checks) this.#registry.remove(registered, live, server);
        yield;
      }
    }
  }

  *#forget(removed: readonly RegisteredCheck[]): Generator<void> {
    for (const { id, identity } of removed) {
      this.#lastEdge.delete(id);
      if (this.#registry.knows(identity)) continue; // checked at other times
      this.#deps.forget(identity);
      yield;
    }
  }

  /** Pools are not told: all that changed are read anew afterwards. */
  *#performAll(effects: Iterable<HealthEffect>): Generator<void> {
    for (const effect of effects) {
      if (effect.do !== "pool") this.#perform(effect, undefined);
      yield;
    }
  }

  *#specs(checks: Iterable<RegisteredCheck>): Generator<CheckSpec> {
    for (const registered of checks) {
      registered.known ??= this.#deps.known(registered.identity);
      yield registered;
    }
  }

  *#handleEdges(edges: readonly CheckEdge[]): Generator<void> {
    for (const edge of edges) {
      const registered = this.#registry.get(edge.id);
      if (registered === undefined) continue; // its check went away while the edge was under way
      this.#registry.heard(registered.identity, edge.up ? "up" : "down");
      this.#deps.remember(registered.identity, edge.up);
      this.#lastEdge.set(edge);
      for (const user of registered.users) {
        this.#report(registered, user, edge);
        yield;
      }
    }
  }

  #report({ check }: RegisteredCheck, user: CheckUser, edge: CheckEdge): void {
    const { live } = user;
    const { context, state } = live;
    const server = context.config.realServers[user.server];
    if (server === undefined) return;
    const before = state.servers[user.server]?.checkers[user.checker];
    const wasDown = before !== undefined && !isUp(before);
    const service = realServerName(context.config.service, server);
    const { outcome, status, latency } = edge;
    const names = { realServer: service, virtualServer: context.name };
    for (const sentence of edgeSentences(check, names, edge, wasDown)) {
      // Written out: adding to a spread makes V8 describe each object anew, 600 octets that only a full collection frees.
      const fields = { realServer: service, virtualServer: context.name, outcome, status, latency };
      this.#deps.log(edge.up ? "notice" : "warning", edge.up ? "check.up" : "check.down", sentence, fields);
    }
    if (!edge.up) this.#deps.log("info", "check.reason", reasonSentence(check, service, edge), { outcome });
    const report = { server: user.server, checker: user.checker, up: edge.up, mailBody: mailBody(check, edge.up) };
    const step = applyReport(context, state, report);
    live.state = step.state;
    for (const effect of step.effects) this.#perform(effect, live);
  }

  *#handleAttempts(failures: readonly FailedAttempt[]): Generator<void> {
    for (const attempt of failures) {
      const registered = this.#registry.get(attempt.id);
      for (const user of registered?.users ?? []) {
        const { context } = user.live;
        const server = context.config.realServers[user.server];
        if (registered === undefined || server === undefined) continue;
        const service = realServerName(context.config.service, server);
        const fields = { virtualServer: context.name, realServer: service, outcome: attempt.outcome };
        this.#deps.log("info", "check.attempt", attemptSentence(registered.check, service, attempt), fields);
        yield;
      }
    }
  }

  *#shutdown(): Generator<void> {
    for (const { context, state } of this.#generation) {
      for (const effect of shutdownEffects(context, state)) this.#perform(effect, undefined);
      yield;
    }
  }

  /** @param live whose pool it may be about */
  #perform(effect: HealthEffect, live: LiveServer | undefined): void {
    switch (effect.do) {
      case "log":
        this.#deps.log(effect.level, effect.event, effect.sentence, effect.fields);
        return;
      case "notify":
        this.#deps.onServerEvent(effect.event);
        return;
      case "pool":
        if (live !== undefined) this.#deps.onPoolChange(live.index, this.#livePool(live));
        return;
      default:
        unreachable(effect);
    }
  }

  #livePool(live: LiveServer): LivePool {
    let pool = this.#livePools.get(live);
    if (pool === undefined) {
      pool = {
        config: live.context.config,
        isInForce: () => this.#generation[live.index] === live,
        entries: () => poolOf(live.context, live.state),
      };
      this.#livePools.set(live, pool);
    }
    return pool;
  }

  #knownOf(identity: string): "up" | "down" | undefined {
    return this.#registry.known(identity) ?? this.#deps.known(identity);
  }
}

function* idsOf(checks: readonly RegisteredCheck[]): Generator<void, CheckId[]> {
  const ids: CheckId[] = [];
  for (const { id } of checks) {
    ids.push(id);
    yield;
  }
  return ids;
}

function lookUp<V>(map: Pick<ReadonlyMap<CheckId, V>, "get">, id: CheckId | undefined): V | undefined {
  return id === undefined ? undefined : map.get(id);
}
