import type { CheckEdge, CheckSpec, FailedAttempt, Regrouping } from "../../workers/protocol.js";
import type { Clock } from "../clock.js";
import type { Config, VirtualServerConfig } from "../config/model.js";
import type { ServerCheckConfig } from "../config/model-checks.js";
import type { Log } from "../observe/log.js";
import { type CheckId, type Milliseconds, ms } from "../units.js";
import { unreachable } from "../unreachable.js";
import { CheckRegistry, type CheckUser, type RegisteredCheck } from "./check-registry.js";
import { attemptSentence, edgeSentences, mailBody, reasonSentence } from "./check-sentences.js";
import { removalEffects, shutdownEffects } from "./departure.js";
import type { HealthEffect, ServerEvent } from "./effects.js";
import { buildGeneration, type Generation, registerChecks, type Succession } from "./generation.js";
import { type HeldMemory, HeldServers } from "./held-servers.js";
import { LastChanges } from "./last-changes.js";
import { LastEdges } from "./last-edges.js";
import { realServerName } from "./names.js";
import { isPooled } from "./pooled.js";
import type { QuorumMemory } from "./quorum-memory.js";
import { isUp } from "./real-server.js";
import { atOnce, type Moment } from "./removal-floor.js";
import {
  type CheckLookup,
  type CheckPlace,
  type DatedEdge,
  type Latencies,
  snapshotOf,
  type VirtualServerSnapshot,
} from "./snapshot.js";
import { applyRelease, applyReport, type PoolEntry, poolOf } from "./virtual-server.js";
import type { LiveServer, Step, VirtualServerContext } from "./virtual-server-state.js";
import { setsWeight, weightDelta } from "./weights.js";
import { WorkQueue } from "./work-queue.js";

export interface DirectorDeps {
  readonly log: Log;
  /** What changes is dated by; absent: everything is as old as the rest. */
  readonly now?: () => Milliseconds;
  /** Lasting name of what a check checks (main/config/identity.ts). */
  readonly identityOf: (check: ServerCheckConfig) => string;
  /** Health from before a restart (the launcher's state memfd). */
  readonly known: (identity: string) => "up" | "down" | undefined;
  /** @param value of checks that set weights: what they said last, else undefined */
  readonly remember: (identity: string, up: boolean, value: number | undefined) => void;
  /** Likewise from before a restart. */
  readonly knownValue?: (identity: string) => number | undefined;
  /** Nobody checks this any more. */
  readonly forget: (identity: string) => void;
  /**
   * What IPVS must hold for this virtual server may have changed. Not called while a configuration is taken in. Of many edges at
   * once each tells: read the pool when they are over.
   */
  readonly onPoolChange: (virtualServer: number, pool: LivePool) => void;
  readonly onServerEvent: (event: ServerEvent) => void;
  /** A virtual server gained or lost its quorum, or a configuration brought it. Told again where nothing changed. */
  readonly onQuorum?: (virtualServer: VirtualServerConfig, quorum: "up" | "down") => void;
  /** For removal_floor and self_check; absent: no failed server is held back. */
  readonly clock?: Clock;
  readonly heldMemory?: HeldMemory;
  /** Absent: after a crash every quorum is decided anew. */
  readonly quorumMemory?: QuorumMemory;
}

/** Held servers that go in one step: each has a line, a record in memory and maybe a script. */
const RELEASED_PER_STEP = 16;

/** The destinations of one virtual server, to be read later; a reload may have come between. */
export interface LivePool {
  readonly config: VirtualServerConfig;
  /** False: gone or changed by a reload, which tells of that itself. */
  isInForce(): boolean;
  /** As of the call, computed as they are read. */
  entries(): Iterable<PoolEntry>;
}

/** A check that is wanted, whoever makes it. */
export type ServerCheckSpec = Omit<CheckSpec, "check"> & { readonly check: ServerCheckConfig };

/** What a new configuration changed. Iterables are computed as they are read, and only until the next reload. */
export interface Reloaded {
  /** Of `config.virtualServers`: their pools are to be read anew. */
  readonly changed: readonly number[];
  readonly gone: readonly VirtualServerConfig[];
  readonly checks: {
    readonly added: Iterable<ServerCheckSpec>;
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
  /** Those that were failures, whatever came after them. */
  readonly #lastFailure = new LastEdges();
  readonly #changes = new LastChanges();
  readonly #registry = new CheckRegistry();
  /** One for all of a storm. */
  readonly #livePools = new WeakMap<LiveServer, LivePool>();
  #generation: Generation = [];
  #groups = 0;
  /** ha_suspend: keys of the virtual servers that rest, and the checks that nobody else wants. */
  #resting: ReadonlySet<string> = new Set();
  #paused: ReadonlySet<CheckId> = new Set();
  readonly #work = new WorkQueue();
  readonly #held: HeldServers | undefined;

  constructor(deps: DirectorDeps) {
    this.#deps = deps;
    const release = (): void => this.#work.add(() => this.#release());
    this.#held = deps.clock && new HeldServers(deps.clock, deps.heldMemory, release);
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
  checks(): Iterable<ServerCheckSpec> {
    return this.#registry.all();
  }

  /** Somebody wants a check of that lasting name; of no use before checks have their names. */
  wants(identity: string): boolean {
    return this.#registry.knows(identity);
  }

  /** Those of them that do not rest. */
  *runningChecks(among: Iterable<ServerCheckSpec> = this.checks()): Generator<ServerCheckSpec> {
    for (const spec of among) if (!this.#paused.has(spec.id)) yield spec;
  }

  /** Undefined: there is no such virtual server. */
  livePool(virtualServer: number): LivePool | undefined {
    const live = this.#generation[virtualServer];
    return live && this.#livePool(live);
  }

  /** Of a virtual server by its name in the log: whose latencies are asked for. Undefined: there is none. */
  groupOf(virtualServer: string): number | undefined {
    return this.#generation.find(({ context }) => context.name === virtualServer)?.group;
  }

  /** One virtual server per step, so that a large farm can be walked in slices. `latencies`: from the pool. */
  *snapshot(latencies?: Latencies): Generator<VirtualServerSnapshot> {
    for (const { snapshot } of this.views(latencies)) yield snapshot;
  }

  /** The same, each with its configuration: in the middle of a reload it may be another one than at its place in what was in force. */
  *views(latencies?: Latencies): Generator<{ config: VirtualServerConfig; snapshot: VirtualServerSnapshot }> {
    for (const live of this.#generation) {
      const { key, context, state, group } = live;
      const idOf = (at: CheckPlace): CheckId | undefined => live.checks[at.server]?.[at.checker]?.id;
      const edges = this.#lastEdge;
      const failures = this.#lastFailure;
      const lookup = {
        id: idOf,
        edge: (at) => dated(edges, idOf(at)),
        failure: (at) => dated(failures, idOf(at)),
        latency: (at) => latencies && lookUp(latencies, idOf(at)),
        serverSince: (server) => this.#changes.server(live, server),
      } satisfies CheckLookup;
      const own = { group, since: this.#changes.quorum(live), rests: this.#resting.has(key) };
      yield { config: context.config, snapshot: snapshotOf(context, state, lookup, own) };
    }
  }

  /**
   * ha_suspend: those that rest are not checked, and keep their state. @returns what whoever runs the checks has to change; a check
   * that somebody else wants too goes on, and is heard of when they wake
   */
  async suspend(
    rests: (virtualServer: VirtualServerConfig) => boolean,
  ): Promise<Pick<Reloaded["checks"], "added" | "removed">> {
    const added: RegisteredCheck[] = [];
    const removed: CheckId[] = [];
    await this.#work.run(() => this.#suspend(rests, added, removed));
    return { added, removed };
  }

  /** Undefined: it is not checked any more, or rests. */
  check(id: CheckId): ServerCheckSpec | undefined {
    return this.#paused.has(id) ? undefined : this.#registry.get(id);
  }

  /** Every quorum once more, for somebody who begins to track them. A virtual server per step. */
  *tellQuorums(): Generator<void> {
    for (const live of this.#generation) yield this.#tellQuorum(live);
  }

  /** The self check holds the table, or lets it go: then those who are still down go, as far as removal_floor lets them. */
  freeze(frozen: boolean): void {
    if (frozen) this.#held?.freeze();
    else this.#held?.thaw();
  }

  /** Says goodbye: log lines for all, scripts and mail where `omega` is set. The table is the caller's to empty. */
  shutdown(): Promise<void> {
    this.#held?.[Symbol.dispose]();
    return this.#work.run(() => this.#shutdown());
  }

  *#take(config: Config, checksLater = false): Generator<void, Reloaded> {
    const registry = this.#registry;
    const { identityOf } = this.#deps;
    const newGroup = (): number => this.#groups++;
    const isFirst = this.#generation.length === 0;
    const heldSince = isFirst ? this.#held?.known() : undefined;
    const knownOf = (identity: string): "up" | "down" | undefined => this.#deps.known(identity);
    const recall = (check: RegisteredCheck): void => this.#recall(check);
    const quorums = this.#deps.quorumMemory;
    const crashed = { ...(heldSince && { heldSince }), ...(isFirst && quorums && { knownQuorum: quorums.get }) };
    const deps = { registry, identityOf, knownOf, recall, newGroup, checksLater, moment: this.#moment(), ...crashed };
    const succession = yield* buildGeneration(config, this.#generation, deps);
    const { generation, changed, replaced, gone, effects } = succession;
    this.#generation = generation;
    if (isFirst) this.#changes.begin(this.#now());
    for (let index = 0; index < generation.length; index++) {
      const live = generation[index]; // at once: between two turns somebody may look for one by its index
      if (live !== undefined) live.index = index;
    }
    if (!isFirst) yield* this.#dateChanges(succession);
    if (this.#held !== undefined) yield* this.#held.replace(replaced, changed);
    this.#held?.lookNow(); // with another floor some may go
    yield* this.#retire(replaced);
    const { added, removed, regrouped } = yield* registry.takeChanges();
    yield* this.#forget(removed);
    yield* this.#performAll(effects);
    for (const { context, state } of gone) yield* this.#performAll(removalEffects(context, state));
    yield* this.#rememberQuorums(changed, gone, isFirst);
    for (const live of gone) yield this.#tellQuorum(live, "up"); // nobody can track it any more
    for (const live of changed) yield this.#tellQuorum(live);
    return {
      changed: changed.map(({ index }) => index),
      gone: gone.map(({ context }) => context.config),
      checks: { added, removed: yield* idsOf(removed), regrouped },
    };
  }

  /** After what they give rise to: a crash between repeats a script rather than losing it. */
  *#rememberQuorums(changed: Generation, gone: Generation, isFirst: boolean): Generator<void> {
    const memory = this.#deps.quorumMemory;
    if (memory === undefined) return;
    for (const { key } of gone) {
      memory.delete(key);
      yield;
    }
    for (const { key, state } of changed) {
      memory.set(key, state.quorum);
      yield;
    }
    if (isFirst) yield* memory.forgettingOthers(keysOf(this.#generation));
  }

  *#dateChanges({ changed, replaced, gone }: Succession): Generator<void> {
    const before = new Map(replaced.map((live) => [live.group, live]));
    for (const live of changed) yield* this.#changes.succeed(before.get(live.group), live, this.#now());
    for (const live of gone) this.#changes.forget(live);
  }

  #now(): Milliseconds {
    return this.#deps.now?.() ?? ms(0);
  }

  *#suspend(
    rests: (virtualServer: VirtualServerConfig) => boolean,
    added: RegisteredCheck[],
    removed: CheckId[],
  ): Generator<void> {
    const before = this.#resting;
    const resting = new Set<string>();
    for (const { key, context } of this.#generation) {
      if (rests(context.config)) resting.add(key);
      if (resting.has(key) !== before.has(key)) this.#saySuspended(context, resting.has(key));
      yield;
    }
    this.#resting = resting;
    if (before.size + resting.size === 0) return;
    const paused = new Set<CheckId>();
    const woken = (live: LiveServer): boolean => before.has(live.key) && !resting.has(live.key);
    for (const registered of this.#registry.all()) {
      const { id, users } = registered;
      for (const user of users) {
        if (!woken(user.live)) continue;
        this.#catchUp(registered, user);
        yield;
      }
      const rest = users.every(({ live }) => resting.has(live.key));
      if (rest) paused.add(id);
      if (rest && !this.#paused.has(id)) removed.push(id);
      if (!rest && this.#paused.has(id)) added.push(registered);
      yield;
    }
    this.#paused = paused;
  }

  /** While it rested others went on with this check. */
  #catchUp(registered: RegisteredCheck, user: CheckUser): void {
    const state = user.live.state.servers[user.server]?.checkers[user.checker];
    const edge = this.#lastEdge.get(registered.id);
    if (edge !== undefined && (state !== registered.known || setsWeight(registered.check)))
      this.#report(registered, user, edge);
  }

  #saySuspended({ config, name }: VirtualServerContext, rests: boolean): void {
    for (const server of config.realServers) {
      const realServer = realServerName(config.service, server);
      const sentence = `${rests ? "Suspending" : "Activating"} healthchecker for service ${realServer} for VS ${name}`;
      this.#deps.log("info", rests ? "check.suspended" : "check.activated", sentence, {
        virtualServer: name,
        realServer,
      });
    }
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
      this.#lastFailure.delete(id);
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

  /** The same at other times may have been heard meanwhile, which says more than what was so before a restart. */
  #recall(check: RegisteredCheck): void {
    check.known ??= this.#deps.known(check.identity);
    if (check.value !== undefined || !setsWeight(check.check)) return;
    const value = this.#deps.knownValue?.(check.identity);
    if (value !== undefined) check.value = value;
  }

  *#handleEdges(edges: readonly CheckEdge[]): Generator<void> {
    for (const edge of edges) {
      const registered = this.#registry.get(edge.id);
      // Its check went away, or went to rest, while the edge was under way.
      if (registered === undefined || this.#paused.has(edge.id)) continue;
      const { check, identity, known } = registered;
      // A failure takes back what it has added, as in keepalived.
      const value = edge.up ? (edge.value ?? edge.status) : 0;
      this.#registry.heard(registered, edge.up ? "up" : "down", setsWeight(check) ? value : undefined);
      this.#deps.remember(identity, edge.up, registered.value);
      if (!(edge.up && known === "up" && setsWeight(check))) this.#lastEdge.set(edge, this.#now());
      if (!edge.up) this.#lastFailure.set(edge, this.#now());
      for (const user of registered.users) {
        if (!this.#resting.has(user.live.key)) this.#report(registered, user, edge);
        yield;
      }
    }
  }

  #report({ check, value }: RegisteredCheck, user: CheckUser, edge: CheckEdge): void {
    const { live } = user;
    const { context, state } = live;
    const server = context.config.realServers[user.server];
    if (server === undefined) return;
    const before = state.servers[user.server]?.checkers[user.checker];
    const wasDown = before !== undefined && !isUp(before);
    const service = realServerName(context.config.service, server);
    const { outcome, status, latency } = edge;
    const names = { realServer: service, virtualServer: context.name };
    // A weight that changes is no news of the checker.
    const isRepeated = setsWeight(check) && before === (edge.up ? "up" : "down");
    for (const sentence of isRepeated ? [] : edgeSentences(check, names, edge, wasDown)) {
      // Written out: adding to a spread makes V8 describe each object anew, 600 octets that only a full collection frees.
      const fields = { realServer: service, virtualServer: context.name, outcome, status, latency };
      this.#deps.log(edge.up ? "notice" : "warning", edge.up ? "check.up" : "check.down", sentence, fields);
    }
    if (!edge.up && "target" in check)
      this.#deps.log("info", "check.reason", reasonSentence(check, service, edge), { outcome });
    const { server: index, checker } = user;
    const delta = value === undefined ? undefined : weightDelta(check, value, server.weight);
    const report = { server: index, checker, up: edge.up, delta, mailBody: mailBody(check, edge) };
    const wasAlive = isAliveAt(live, user.server);
    this.#apply(live, applyReport(context, state, report, this.#moment()));
    if (isAliveAt(live, user.server) !== wasAlive) this.#changes.serverChanged(live, user.server, this.#now());
  }

  #tellQuorum({ context, state }: LiveServer, quorum = state.quorum): void {
    this.#deps.onQuorum?.(context.config, quorum);
  }

  #apply(live: LiveServer, { state, effects }: Step): void {
    const isTurned = state.quorum !== live.state.quorum;
    if (isTurned) this.#tellQuorum(live, state.quorum);
    live.state = state;
    if (isTurned) this.#changes.quorumChanged(live, this.#now());
    for (const effect of effects) this.#perform(effect, live);
    if (isTurned) this.#deps.quorumMemory?.set(live.key, state.quorum);
    this.#held?.follow(live);
  }

  #moment(): Moment {
    return this.#held?.moment() ?? atOnce;
  }

  /** Those who were held back, and may go now. A few servers at a time: behind a switch that failed there are thousands. */
  *#release(): Generator<void> {
    for (const live of this.#held?.all() ?? []) {
      for (let held = Number.POSITIVE_INFINITY, now = heldBy(live); now < held; now = heldBy(live)) {
        held = now;
        if (this.#generation[live.index] !== live) break; // a reload came between
        this.#apply(live, applyRelease(live.context, live.state, this.#moment(), RELEASED_PER_STEP));
        yield;
      }
    }
    this.#held?.lookAgain();
  }

  *#handleAttempts(failures: readonly FailedAttempt[]): Generator<void> {
    for (const attempt of failures) {
      const registered = this.#registry.get(attempt.id);
      for (const user of registered?.users ?? []) {
        const { context } = user.live;
        const server = context.config.realServers[user.server];
        if (registered === undefined || server === undefined || !isPooled(registered.check)) continue;
        const service = realServerName(context.config.service, server);
        const names = { realServer: service, virtualServer: context.name };
        const fields = { ...names, outcome: attempt.outcome };
        this.#deps.log("info", "check.attempt", attemptSentence(registered.check, names, attempt), fields);
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
      case "held":
        if (live !== undefined) this.#held?.remember(live, effect.server, effect.since);
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
}

const heldBy = ({ state }: LiveServer): number => state.retention?.held.size ?? 0;

const isAliveAt = ({ state }: LiveServer, server: number): boolean => state.servers[server]?.failed === 0;

function* keysOf(generation: Generation): Generator<string> {
  for (const { key } of generation) yield key;
}

function* idsOf(checks: readonly RegisteredCheck[]): Generator<void, CheckId[]> {
  const ids: CheckId[] = [];
  for (const { id } of checks) {
    ids.push(id);
    yield;
  }
  return ids;
}

function dated(edges: LastEdges, id: CheckId | undefined): DatedEdge | undefined {
  const edge = id === undefined ? undefined : edges.get(id);
  return edge && { edge, at: edges.at(edge.id) ?? ms(0) };
}

function lookUp<V>(map: Pick<ReadonlyMap<CheckId, V>, "get">, id: CheckId | undefined): V | undefined {
  return id === undefined ? undefined : map.get(id);
}
