import { availableParallelism } from "node:os";
import type { Clock } from "../clock.js";
import { checkIdentity, virtualServerKey } from "../config/identity.js";
import type { Config, VirtualServerConfig } from "../config/model.js";
import { DaemonError } from "../errors.js";
import { HealthDirector, type LivePool } from "../health/director.js";
import type { ServerEvent } from "../health/effects.js";
import { type LatencyReport, noLatencies } from "../health/latency-report.js";
import type { CheckPool } from "../health/pool.js";
import { inSlices } from "../health/slices.js";
import type { Latencies, VirtualServerSnapshot } from "../health/snapshot.js";
import type { IpvsBackend } from "../ipvs/backend.js";
import { entryFromConfig, entryInSteps, serviceFromConfig } from "../ipvs/from-config.js";
import { KernelBackend } from "../ipvs/kernel-backend.js";
import { MemoryBackend } from "../ipvs/memory-backend.js";
import type { ReconcilePolicy } from "../ipvs/planner.js";
import { Reconciler } from "../ipvs/reconciler.js";
import { type ServiceEntry, serviceKey, tableOf } from "../ipvs/table.js";
import { IpvsWriter, type WriterStatus } from "../ipvs/writer.js";
import type { Log } from "../observe/log.js";
import { type Milliseconds, ms } from "../units.js";
import { type CheckLimits, checkLimits, openFileLimit, waitingSentence, worstInFlight } from "./check-limits.js";
import type { LastingState } from "./lasting-state.js";
import type { IpvsChoice } from "./options.js";
import { PoolChanges } from "./pool-changes.js";

export interface LvsSideDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly lasting: LastingState;
  readonly ipvs: IpvsChoice;
  readonly onServerEvent: (event: ServerEvent) => void;
  /** A checker thread is there, or another in its place. */
  readonly onCheckerThread: (shard: number, thread: number) => void;
}

/** The kernel may be slow or refuse; the daemon is up all the same, and goes on trying. */
const firstTableWithin = ms(5000);
/** While entries go in it is waited for longer: handing out checks beside it makes both much slower. */
const firstTableAtMost = ms(30_000);
/** A kernel without IPVS may get it: somebody installs the module, or loads it on the host of a container. */
const lookAgainAfter = ms(30_000);

/** What the writer is doing, where, and how often it looks. */
export interface IpvsView extends WriterStatus {
  readonly backend: IpvsBackend["name"];
  readonly pollPeriod: Milliseconds;
}

interface Table {
  readonly backend: IpvsBackend;
  readonly writer: IpvsWriter;
  readonly reconciler: Reconciler;
}

/** Checks, health and the IPVS table: edges come in from the pool, wanted destinations go out to the kernel. */
export class LvsSide {
  readonly #deps: LvsSideDeps;
  readonly #director: HealthDirector;
  #pool: CheckPool | undefined;
  readonly #limits: CheckLimits;
  readonly #openFiles = openFileLimit();
  #table: Table | undefined;
  #lookingAgain: Disposable | undefined;
  #config: Config;
  /** Pools that changed while the table is being rewritten: what is built from an older one is out of date. */
  readonly #newer = new Set<VirtualServerConfig>();
  readonly #changes: PoolChanges;

  private constructor(deps: LvsSideDeps, config: Config, backend: IpvsBackend | undefined) {
    this.#deps = deps;
    this.#config = config;
    const { clock, log, lasting } = deps;
    this.#table = backend && this.#openTable(backend);
    this.#changes = new PoolChanges(
      clock,
      (entry) => this.#table?.writer.setService(serviceKey(entry.service), entry),
      (config) => this.#table?.writer.desired(virtualServerKey(config)),
    );
    this.#director = new HealthDirector({
      log,
      identityOf: checkIdentity,
      known: (identity) => lasting.health(identity),
      remember: (identity, up) => lasting.rememberHealth(identity, up),
      forget: (identity) => lasting.forgetHealth(identity),
      onPoolChange: (_index, pool) => this.#onPoolChange(pool),
      onServerEvent: deps.onServerEvent,
    });
    this.#limits = checkLimits(config.global, this.#openFiles);
  }

  /** @throws DaemonError E_IPVS_MISSING or E_PRIVILEGE with `--ipvs kernel`; with `auto` checks go on without IPVS */
  static async open(deps: LvsSideDeps, config: Config): Promise<LvsSide> {
    return new LvsSide(deps, config, await openBackend(deps));
  }

  /**
   * Resolves when the first table is in the kernel (or nothing has gone in for five seconds) and all checks are handed out: in this
   * order, for what is in the table serves, and handing out takes every second turn of the loop. Meanwhile the checker threads load,
   * where there is a processor for them.
   */
  async start(): Promise<void> {
    if (this.#table === undefined) this.#lookAgain();
    const known = this.#deps.lasting.knowsHealth(); // a dead server must not be in the table, so its checks are looked up first
    await this.#director.start(this.#config, known ? "now" : "later");
    this.#writeTable();
    const loading = availableParallelism() > 1 ? this.#startPool() : undefined;
    await this.#firstTable();
    if (!known) await this.#director.registerChecks();
    const pool = await (loading ?? this.#startPool());
    await pool.update({ added: this.#director.checks(), removed: [] });
    await inSlices(this.#sayLimits());
  }

  async #startPool(): Promise<CheckPool> {
    const { CheckPool } = await import("../health/pool.js"); // not before the table: neither it nor piscina has a part in that
    const { clock, log } = this.#deps;
    const pool = new CheckPool({
      clock,
      ...this.#limits,
      onEdges: (edges) => this.#director.onEdges(edges),
      onAttempts: (failures) => this.#director.onAttempts(failures),
      onThread: this.#deps.onCheckerThread,
      onFault: ({ shard, code, message }) =>
        log(
          "error",
          "checks.thread-replaced",
          `checker thread ${shard} ${code}: ${message}; its checks go on elsewhere`,
        ),
    });
    this.#pool = pool;
    await pool.start([]);
    return pool;
  }

  /** Looks only at what is another object than before, and in slices. */
  async reload(config: Config): Promise<void> {
    const { changed, gone, checks } = await this.#director.reload(config);
    this.#config = config;
    this.#sayUnchangedLimits(config);
    if (this.#table !== undefined) await inSlices(this.#table.writer.forgive());
    await inSlices(this.#rewriteTable(changed, gone));
    await this.#pool?.update(checks);
  }

  /** With `release` our entries are removed from the kernel; without, they stay for whoever comes next. */
  async stop(release: boolean): Promise<void> {
    this.#lookingAgain?.[Symbol.dispose]();
    await this.#pool?.stop();
    if (release) await this.#director.shutdown();
    if (this.#table === undefined) return;
    await this.#table.reconciler.stop();
    await this.#table.writer.stop({ release });
  }

  /** Every checker thread answers. */
  alive(): boolean {
    return this.#pool?.alive() !== false;
  }

  /** A checker thread hangs outside JavaScript: only the end of the process ends it. */
  stuck(): boolean {
    return this.#pool?.stuck() === true;
  }

  /** @param virtualServer as in the log, `[10.0.0.1]:tcp:80`: its own histograms too; empty when there is none of this name */
  async latency(virtualServer?: string): Promise<LatencyReport> {
    const group = virtualServer === undefined ? undefined : this.#director.groupOf(virtualServer);
    return (await this.#pool?.latency(group)) ?? noLatencies;
  }

  *virtualServers(latencies?: Latencies): Generator<{ config: VirtualServerConfig; snapshot: VirtualServerSnapshot }> {
    const { virtualServers } = this.#config;
    let index = 0;
    for (const snapshot of this.#director.snapshot(latencies)) {
      const config = virtualServers[index++];
      if (config !== undefined) yield { config, snapshot };
    }
  }

  /** Undefined: the kernel has no IPVS. */
  ipvs(): IpvsView | undefined {
    if (this.#table === undefined) return undefined;
    const { backend, writer, reconciler } = this.#table;
    return { backend: backend.name, pollPeriod: reconciler.pollPeriod, ...writer.snapshot() };
  }

  #openTable(backend: IpvsBackend): Table {
    const { clock, log, lasting } = this.#deps;
    const policy = (): ReconcilePolicy => this.#config.global.lvsReconcile;
    const writer = new IpvsWriter({
      backend,
      clock,
      log,
      policy,
      onOwnershipChange: (added, removed) => lasting.ownershipChanged(added, removed),
    });
    writer.adopt(lasting.owned());
    return { backend, writer, reconciler: new Reconciler({ backend, writer, clock, log, policy }) };
  }

  /** `--ipvs auto` without IPVS: checks go on, and once IPVS is there it gets the whole table. */
  #lookAgain(): void {
    this.#lookingAgain = this.#deps.clock.after(lookAgainAfter, () => {
      void tryBackend(new KernelBackend()).then((found) => {
        if ("missing" in found) return this.#lookAgain();
        this.#deps.log("notice", "ipvs.found", "The kernel has IPVS now: writing the table");
        this.#table = this.#openTable(found.backend);
        this.#writeTable();
        return this.#firstTable();
      });
    });
  }

  #writeTable(): void {
    const entries = this.#config.virtualServers.map((config, index) => this.#entry(config, index));
    this.#table?.writer.setDesired(tableOf(entries));
  }

  *#rewriteTable(changed: readonly number[], gone: readonly VirtualServerConfig[]): Generator<void> {
    this.#newer.clear();
    for (const config of gone) {
      this.#table?.writer.setService(serviceKey(serviceFromConfig(config)), undefined, "bulk");
      yield;
    }
    for (const index of changed) {
      const config = this.#config.virtualServers[index];
      if (config === undefined) continue;
      const before = this.#table?.writer.desired(virtualServerKey(config));
      const entry = yield* entryInSteps(config, this.#director.pool(index), before);
      if (!this.#newer.has(config)) this.#table?.writer.setService(serviceKey(entry.service), entry, "bulk");
      yield;
    }
  }

  async #firstTable(): Promise<void> {
    if (this.#table === undefined) return;
    const { clock } = this.#deps;
    const { writer, reconciler } = this.#table;
    const giveUpAt = clock.now() + firstTableAtMost;
    const ready = writer.ready().then(() => true);
    const patience = (): Promise<boolean> =>
      new Promise((resolve) => clock.after(firstTableWithin, () => resolve(false)));
    for (let before = -1; writer.stamp !== before && clock.now() < giveUpAt; ) {
      before = writer.stamp;
      if (await Promise.race([ready, patience()])) break;
    }
    reconciler.start();
  }

  #onPoolChange(pool: LivePool): void {
    this.#newer.add(pool.config);
    this.#changes.changed(pool);
  }

  /** Once, at the start. */
  *#sayLimits(): Generator<void> {
    const worst = yield* worstInFlight(this.#director.checks());
    const sentence = waitingSentence(this.#limits, this.#openFiles, worst);
    if (sentence !== undefined) this.#deps.log("warning", "checks.limited", sentence);
  }

  #sayUnchangedLimits(config: Config): void {
    const wanted = checkLimits(config.global, this.#openFiles);
    const same = (["threads", "maxInFlight", "maxInFlightPerHost"] as const).every(
      (k) => wanted[k] === this.#limits[k],
    );
    if (same) return;
    const sentence = "checker_threads and checker_max_in_flight take effect at the next start, not by a reload";
    this.#deps.log("notice", "checks.limits-kept", sentence);
  }

  #entry(config: VirtualServerConfig, index: number): ServiceEntry {
    return entryFromConfig(config, this.#director.pool(index));
  }
}

/** @returns undefined with `auto` when there is no IPVS */
async function openBackend({ ipvs, log }: LvsSideDeps): Promise<IpvsBackend | undefined> {
  const found = await tryBackend(ipvs === "memory" ? new MemoryBackend() : new KernelBackend());
  if ("backend" in found) return found.backend;
  if (ipvs !== "auto") throw found.missing;
  const { code, message } = found.missing;
  const sentence = `${message}; checks and VRRP go on, nothing is balanced; looking again every 30 s`;
  log("error", "ipvs.missing", sentence, { code });
  return undefined;
}

type Found = { readonly backend: IpvsBackend } | { readonly missing: DaemonError };

async function tryBackend(backend: IpvsBackend): Promise<Found> {
  try {
    await backend.open();
    return { backend };
  } catch (error) {
    backend.close();
    if (!(error instanceof DaemonError)) throw error;
    return { missing: error };
  }
}
