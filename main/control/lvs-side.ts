import { availableParallelism } from "node:os";
import type { CheckEdge, CheckSpec } from "../../workers/protocol.js";
import type { Clock } from "../clock.js";
import { checkIdentity, virtualServerKey } from "../config/identity.js";
import type { Config, Protocol, VirtualServerConfig } from "../config/model.js";
import { DaemonError } from "../errors.js";
import { HealthDirector, type LivePool, type Reloaded, type ServerCheckSpec } from "../health/director.js";
import type { ServerEvent } from "../health/effects.js";
import { FollowedChecks } from "../health/followed-checks.js";
import { type LatencyReport, noLatencies } from "../health/latency-report.js";
import type { CheckPool } from "../health/pool.js";
import { isPooled } from "../health/pooled.js";
import { inSlices } from "../health/slices.js";
import type { Latencies, VirtualServerSnapshot } from "../health/snapshot.js";
import type { IpvsBackend } from "../ipvs/backend.js";
import { claimAll } from "../ipvs/claim.js";
import { servicesOf } from "../ipvs/group-services.js";
import { KernelBackend } from "../ipvs/kernel-backend.js";
import { KernelWatch } from "../ipvs/kernel-watch.js";
import { MemoryBackend } from "../ipvs/memory-backend.js";
import type { ReconcilePolicy } from "../ipvs/planner.js";
import { Reconciler } from "../ipvs/reconciler.js";
import { type ServiceEntry, serviceKey, tableOf } from "../ipvs/table.js";
import { IpvsWriter, type WriterStatus } from "../ipvs/writer.js";
import type { Marks } from "../network/ipvs-mark-watch.js";
import { openHostNetwork, openIpvsMarks } from "../network/open.js";
import { scriptEnvironment } from "../notify/script-environment.js";
import type { Log } from "../observe/log.js";
import type { TrackFileDump } from "../observe/vrrp-dump.js";
import { type CheckId, type Milliseconds, ms } from "../units.js";
import type { TrackFileHost } from "../vrrp/file-monitor.js";
import { Repairs } from "../vrrp/repairs.js";
import { type CheckLimits, checkLimits, openFileLimit, waitingSentence, worstInFlight } from "./check-limits.js";
import { FileChecks } from "./file-checks.js";
import { GroupMarks } from "./group-marks.js";
import { HaSuspend, type LocalAddresses } from "./ha-suspend.js";
import { IpvsCounters } from "./ipvs-counters.js";
import { ipvsSocketOptions } from "./ipvs-socket.js";
import { kernelSentences } from "./kernel-sentences.js";
import type { LastingState } from "./lasting-state.js";
import type { IpvsChoice } from "./options.js";
import { OwedChecks } from "./owed-checks.js";
import { PoolChanges } from "./pool-changes.js";
import { SelfCheck, type SelfCheckEvent } from "./self-check.js";
import type { TakeOver } from "./take-over.js";
import { WaitingScripts } from "./waiting-scripts.js";
import { WantedServices } from "./wanted-services.js";

export interface LvsSideDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly lasting: LastingState;
  readonly ipvs: IpvsChoice;
  /** Another daemon on this host, in whose place this one begins. */
  readonly takeOver?: TakeOver | undefined;
  /** Tracked files; absent: there is no disk. */
  readonly files?: TrackFileHost;
  /** Of files that checks name, init_file is obeyed: VRRP does not run. */
  readonly initialisesFiles?: boolean;
  /** What stands for the kernel; default: the kernel. */
  readonly kernel?: () => IpvsBackend;
  /** What sets the marks of nftables_ipvs; default: nftables. */
  readonly marks?: () => Marks;
  /** What tells which addresses are on this host; default: rtnetlink. */
  readonly localAddresses?: () => Promise<LocalAddresses>;
  readonly onServerEvent: (event: ServerEvent) => void;
  /** Of a virtual server, by its name in the log. */
  readonly onQuorum?: (virtualServer: string, quorum: "up" | "down") => void;
  /** The self check holds the table, or lets it go. */
  readonly onSelfCheck?: (event: SelfCheckEvent) => void;
  /** IPVS went and came back, or its namespace did: what else is ours in it is gone. */
  readonly onIpvsReopened?: () => void;
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

/** What ha_suspend changes. */
type Turned = Pick<Reloaded["checks"], "added" | "removed">;

interface Table {
  readonly backend: IpvsBackend;
  readonly writer: IpvsWriter;
  readonly reconciler: Reconciler;
  readonly watch: KernelWatch;
}

/** Checks, health and the IPVS table: edges come in from the pool, wanted destinations go out to the kernel. */
export class LvsSide {
  readonly #deps: LvsSideDeps;
  readonly #director: HealthDirector;
  readonly #files: FileChecks | undefined;
  #pool: CheckPool | undefined;
  readonly #followed = new FollowedChecks();
  readonly #owed = new OwedChecks();
  readonly #limits: CheckLimits;
  readonly #maxProcesses: number;
  readonly #openFiles = openFileLimit();
  #table: Table | undefined;
  #lookingAgain: Disposable | undefined;
  /** A look for IPVS that is still under way must not write any more. */
  #ending: boolean = false;
  #config: Config;
  /** Pools that changed while the table is being rewritten: what is built from an older one is out of date. */
  readonly #newer = new Set<VirtualServerConfig>();
  readonly #changes: PoolChanges;
  readonly #wanted: WantedServices;
  readonly #marks: GroupMarks;
  readonly #suspension: HaSuspend;
  readonly #self: SelfCheck;
  #turn: Promise<void> = Promise.resolve();

  private constructor(deps: LvsSideDeps, config: Config, backend: IpvsBackend | undefined) {
    this.#deps = deps;
    this.#config = config;
    const { clock, log, lasting } = deps;
    this.#table = backend && this.#openTable(backend);
    this.#changes = new PoolChanges(
      clock,
      (entry) => this.#table?.writer.setService(serviceKey(entry.service), entry),
      (pool) => this.#wanted.entriesOf(pool.config, () => pool.entries()),
    );
    const repairs = new Repairs(clock, log);
    const watch = {
      clock,
      watches: () => this.#config.global.lvsReconcile !== "off",
      allow: (what: string) => repairs.allow(what),
    };
    const marks = deps.marks ?? (() => openIpvsMarks(log, watch, ipvsSocketOptions(config).openSocket));
    this.#marks = new GroupMarks(lasting.groupMarks, marks);
    this.#wanted = new WantedServices({
      log,
      pool: (place, of) => {
        const pool = this.#director.livePool(place);
        return pool?.config === of ? pool.entries() : undefined;
      },
      written: (key) => this.#table?.writer.desired(key),
      markOf: (group, protocol) => this.#marks.markOf(group, protocol),
    });
    this.#director = new HealthDirector({
      log,
      now: () => clock.now(),
      identityOf: checkIdentity,
      known: (identity) => lasting.health(identity),
      remember: (identity, up, value) => lasting.rememberHealth(identity, up, value),
      knownValue: (identity) => lasting.healthValue(identity),
      forget: (identity) => lasting.forgetHealth(identity),
      onPoolChange: (_index, pool) => this.#onPoolChange(pool),
      onServerEvent: deps.onServerEvent,
      onQuorum: (server, quorum) => deps.onQuorum?.(virtualServerKey(server), quorum),
      clock,
      heldMemory: lasting.held,
      quorumMemory: lasting.quorums,
    });
    this.#self = new SelfCheck({
      clock,
      log,
      open: () => openHostNetwork(log, clock),
      poolAlive: () => this.alive(),
      freeze: (frozen) => this.#director.freeze(frozen),
      onChange: (event) => deps.onSelfCheck?.(event),
    });
    this.#suspension = new HaSuspend({
      clock,
      log,
      open: deps.localAddresses ?? (() => openHostNetwork(log, clock)),
      onChange: () => void this.#suspend(),
    });
    this.#limits = checkLimits(config.global, this.#openFiles);
    this.#maxProcesses = config.global.checkerMaxProcesses;
    this.#files =
      deps.files &&
      new FileChecks({
        clock,
        log,
        files: deps.files,
        initialises: deps.initialisesFiles === true,
        identityOf: checkIdentity,
        onEdges: (edges) => this.#director.onEdges(edges),
        onKnown: (identity, up, value) => lasting.rememberHealth(identity, up, value),
      });
  }

  /** @throws DaemonError E_IPVS_MISSING or E_PRIVILEGE with `--ipvs kernel`; with `auto` checks go on without IPVS */
  static async open(deps: LvsSideDeps, config: Config): Promise<LvsSide> {
    return new LvsSide(deps, config, await openBackend(deps, config));
  }

  /**
   * Resolves when the first table is in the kernel (or nothing has gone in for five seconds) and all checks are handed out: in this
   * order, for what is in the table serves, and handing out takes every second turn of the loop. Meanwhile the checker threads load,
   * where there is a processor for them.
   */
  async start(): Promise<void> {
    if (this.#table === undefined) this.#lookAgain();
    else await this.#inherit(this.#table);
    await this.#files?.follow(this.#config);
    await this.#self.configure(this.#config);
    const known = this.#deps.lasting.knowsHealth(); // a dead server must not be in the table, so its checks are looked up first
    await this.#director.start(this.#config, known ? "now" : "later");
    await this.#claimTable();
    this.#writeTable();
    const loading = availableParallelism() > 1 ? this.#startPool() : undefined;
    await this.#firstTable();
    if (!known) await this.#director.registerChecks();
    await this.#suspension.configure(this.#config);
    await this.#alone(async () => {
      await this.#rest(); // a check that was handed out may take its server out before it rests
      await inSlices(this.#self.count(this.#director.runningChecks()));
      const pool = await (loading ?? this.#startPool());
      await pool.update({ added: this.#pooled(this.#director.runningChecks()), removed: [] });
      this.#hear(this.#followed.missed());
    });
    await inSlices(this.#deps.lasting.forgettingHealth((identity) => this.#director.wants(identity)));
    await inSlices(this.#sayLimits());
  }

  /** What an earlier daemon left is ours. At a take-over so is what is in the table and wanted, and what it tells of servers is known. */
  async #inherit({ backend, writer }: Table): Promise<void> {
    const { takeOver, lasting } = this.#deps;
    if (takeOver !== undefined) {
      this.#marks.configure(this.#config);
      await takeOver.takeTable(this.#config, backend, { lasting, markOf: this.#marks.markOf });
    }
    await inSlices(writer.adopt(lasting.owned()));
  }

  async #startPool(): Promise<CheckPool> {
    const { CheckPool } = await import("../health/pool.js"); // not before the table: neither it nor piscina has a part in that
    const { clock, log } = this.#deps;
    const waiting = new WaitingScripts(log, clock, this.#maxProcesses);
    const pool = new CheckPool({
      clock,
      ...this.#limits,
      onScriptsWaiting: (shard, scripts) => waiting.onWaiting(shard, scripts),
      keepInMemory: this.#config.global.processes.checker.noSwap,
      scripts: { atMost: this.#maxProcesses, environment: scriptEnvironment(process.env) },
      onEdges: (edges) => {
        this.#self.onEdges(edges, (id) => this.#director.check(id));
        this.#director.onEdges(edges);
      },
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
    await this.#suspension.configure(config);
    await this.#alone(() => this.#take(config));
  }

  async #take(config: Config): Promise<void> {
    await this.#files?.follow(config);
    const reloaded = await this.#director.reload(config);
    const turned = await this.#rest();
    try {
      await this.#pass(config, reloaded, turned);
      this.#owed.paid();
    } catch (error) {
      this.#owed.owe(reloaded.checks);
      this.#owed.owe(turned);
      throw error;
    }
  }

  /** To the table and to the pool of checks what the director has taken in, and says but once. */
  async #pass(config: Config, { changed, gone, checks: news }: Reloaded, turned: Turned): Promise<void> {
    const late = this.#owed.isOwing;
    if (late) this.#owed.owe(news);
    const checks = late ? this.#owed.all() : news;
    const isReordered = !isSameList(config.virtualServers, this.#config.virtualServers);
    this.#config = config;
    await this.#self.configure(config);
    await inSlices(this.#self.count(this.#director.runningChecks()));
    this.#sayUnchangedLimits(config);
    if (this.#table !== undefined) await inSlices(this.#table.writer.forgive());
    const remarked = this.#marks.configure(config);
    const all = remarked || late;
    const rewrites = changed.length + gone.length > 0 || all || isReordered;
    if (rewrites) await inSlices(this.#rewriteTable(all ? [...config.virtualServers.keys()] : changed));
    if (this.#table !== undefined) await this.#marks.write(config);
    if (rewrites) await inSlices(this.#dropUnwanted());
    await this.#updatePool(this.#pool, { ...checks, added: this.#director.runningChecks(checks.added) });
    await this.#turnTo(turned);
  }

  #updatePool(pool: CheckPool | undefined, checks: Turned & Partial<Reloaded["checks"]>): Promise<void> | undefined {
    this.#files?.remove(checks.removed);
    this.#followed.forget(checks.removed);
    this.#self.forget(checks.removed);
    return pool?.update({ ...checks, added: this.#pooled(checks.added) });
  }

  /** The others go to whoever makes them. */
  #pooled(specs: Iterable<ServerCheckSpec>): Iterable<CheckSpec> {
    const others = this.#followed.others(specs);
    return this.#files?.divert(others) ?? onlyPooled(others);
  }

  /** With `release` our entries are removed from the kernel; without, they stay for whoever comes next. */
  async stop(release: boolean): Promise<void> {
    this.#ending = true;
    this.#suspension.stop();
    this.#self[Symbol.dispose]();
    this.#lookingAgain?.[Symbol.dispose]();
    this.#files?.[Symbol.dispose]();
    await this.#pool?.stop();
    if (release) await this.#director.shutdown();
    await this.#marks.stop(release);
    if (this.#table === undefined) return;
    await this.#table.watch.stop();
    await this.#table.reconciler.stop();
    await this.#table.writer.stop({ release: release ? releases[this.#config.global.lvs.flushOnStop] : "none" });
  }

  /** A BFD session came up or went down: whoever has a BFD_CHECK of it hears. */
  setBfd(name: string, state: "up" | "down"): void {
    this.#hear(this.#followed.edges(name, state));
  }

  selfCheck(): ReturnType<SelfCheck["status"]> {
    return this.#self.status();
  }

  tellQuorums(): Promise<void> {
    return inSlices(this.#director.tellQuorums());
  }

  #hear(edges: readonly CheckEdge[]): void {
    if (edges.length > 0) this.#director.onEdges(edges);
  }

  /** Every checker thread answers. */
  alive(): boolean {
    return this.#pool?.alive() !== false;
  }

  /** A checker thread hangs outside JavaScript: only the end of the process ends it. */
  stuck(): boolean {
    return this.#pool?.stuck() === true;
  }

  /** Those of every virtual server as well. */
  async latencies(): Promise<LatencyReport> {
    return (await this.#pool?.latency("all")) ?? noLatencies;
  }

  /** @returns undefined without IPVS, or when it cannot be read now */
  async counters(): Promise<IpvsCounters | undefined> {
    const markOf = (group: string, protocol: Protocol): number | undefined => this.#marks.markOf(group, protocol);
    return this.#table && IpvsCounters.read(this.#table.backend, markOf);
  }

  /** @param virtualServer as in the log, `[10.0.0.1]:tcp:80`: its own histograms too; empty when there is none of this name */
  async latency(virtualServer?: string): Promise<LatencyReport> {
    const group = virtualServer === undefined ? undefined : this.#director.groupOf(virtualServer);
    return (await this.#pool?.latency(group)) ?? noLatencies;
  }

  virtualServers(latencies?: Latencies): Generator<{ config: VirtualServerConfig; snapshot: VirtualServerSnapshot }> {
    return this.#director.views(latencies);
  }

  /** Track files that checks follow. */
  trackFiles(): readonly TrackFileDump[] {
    return [...(this.#files?.followed() ?? [])];
  }

  /** What the kernel refuses of it, and what is left alone because somebody else manages it too, as in the log. */
  kernelSays(config: VirtualServerConfig): readonly string[] {
    if (this.#table === undefined) return [];
    const { writer } = this.#table;
    const services = servicesOf(config, (group, protocol) => this.#marks.markOf(group, protocol));
    return kernelSentences(services, (service) => writer.troubles(serviceKey(service)));
  }

  /** Until the next attempt of each; 0: one is under way. Those of which nobody knows are not in it. */
  async nextAttempts(checks: readonly CheckId[]): Promise<ReadonlyMap<CheckId, Milliseconds>> {
    return (await this.#pool?.nextAttempts(checks)) ?? new Map();
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
    const reconciler = new Reconciler({ backend, writer, clock, log, policy });
    const namespace = ipvsSocketOptions(this.#config).namespacePath ?? "of this process";
    const watch = new KernelWatch({ clock, log, backend, namespace, onReopened: () => this.#startOver() });
    return { backend, writer, reconciler, watch };
  }

  async #startOver(): Promise<void> {
    if (this.#table !== undefined) await inSlices(this.#table.writer.startOver());
    this.#deps.onIpvsReopened?.();
    await this.#alone(() => this.#marks.writeAnew(this.#config));
  }

  /** `--ipvs auto` without IPVS: checks go on, and once IPVS is there it gets the whole table. */
  #lookAgain(): void {
    this.#lookingAgain = this.#deps.clock.after(lookAgainAfter, () => void this.#tryKernel());
  }

  async #tryKernel(): Promise<void> {
    const found = await tryBackend(kernelOf(this.#deps, this.#config));
    if (this.#ending) {
      if ("backend" in found) found.backend.close();
      return;
    }
    if ("missing" in found) return this.#lookAgain();
    this.#deps.log("notice", "ipvs.found", "The kernel has IPVS now: writing the table");
    await this.#begin(found.backend);
  }

  async #begin(backend: IpvsBackend): Promise<void> {
    const table = this.#openTable(backend);
    await inSlices(table.writer.adopt(this.#deps.lasting.owned()));
    if (this.#ending) return backend.close();
    this.#table = table;
    await this.#claimTable();
    this.#writeTable();
    await this.#firstTable();
  }

  /** `lvs_flush`: whatever is there counts as ours. So what is not wanted goes, and what is wanted serves on. */
  async #claimTable(): Promise<void> {
    if (this.#table === undefined || !this.#config.global.lvs.flush) return;
    const { backend, writer } = this.#table;
    const { records, unread } = await claimAll(backend);
    await inSlices(writer.adopt(records));
    if (unread === undefined) return;
    const sentence = `lvs_flush: the table cannot be read (${unread}): entries of others may stay - restart, or use ipvsadm -C`;
    this.#deps.log("error", "ipvs.unflushed", sentence);
  }

  #writeTable(): void {
    if (this.#table === undefined) return;
    const entries: ServiceEntry[] = [];
    this.#marks.configure(this.#config);
    for (const _ of this.#wanted.take(this.#config));
    for (const config of this.#config.virtualServers)
      for (const entry of this.#wanted.entriesOf(config)) if (entry !== undefined) entries.push(entry);
    this.#table.writer.setDesired(tableOf(entries));
  }

  /**
   * Virtual servers that share a service are written by nobody but PoolChanges, one after the other: what is built here out of
   * several pools would be out of date when one of them changes meanwhile.
   */
  *#rewriteTable(changed: readonly number[]): Generator<void> {
    if (this.#table === undefined) return;
    const { writer } = this.#table;
    const sharing = yield* this.#wanted.take(this.#config);
    this.#newer.clear();
    for (const index of sharing) {
      const pool = this.#director.livePool(index);
      if (pool !== undefined) this.#changes.changed(pool);
    }
    for (const index of changed) {
      const config = this.#config.virtualServers[index];
      if (config === undefined || sharing.has(index)) continue;
      for (const entry of this.#wanted.entriesOf(config)) {
        if (this.#newer.has(config)) break;
        if (entry !== undefined) writer.setService(serviceKey(entry.service), entry, "bulk");
        yield;
      }
    }
  }

  /** When nftables sets the marks: until then the services of the addresses take what has none. */
  *#dropUnwanted(): Generator<void> {
    if (this.#table === undefined) return;
    const { writer } = this.#table;
    for (const { key } of writer.watched()) {
      if (!this.#wanted.has(key)) writer.setService(key, undefined, "bulk");
      yield;
    }
  }

  async #firstTable(): Promise<void> {
    if (this.#table === undefined) return;
    const { clock } = this.#deps;
    await this.#marks.write(this.#config);
    const { writer, reconciler, watch } = this.#table;
    const giveUpAt = clock.now() + firstTableAtMost;
    const ready = writer.ready().then(() => true);
    const patience = (): Promise<boolean> =>
      new Promise((resolve) => clock.after(firstTableWithin, () => resolve(false)));
    for (let before = -1; writer.stamp !== before && clock.now() < giveUpAt; ) {
      before = writer.stamp;
      if (await Promise.race([ready, patience()])) break;
    }
    reconciler.start();
    watch.start();
  }

  #suspend(): Promise<void> {
    return this.#alone(async () => {
      if (this.#ending || this.#pool === undefined) return;
      await this.#turnTo(await this.#rest());
      await inSlices(this.#self.count(this.#director.runningChecks()));
    });
  }

  /** ha_suspend, as the addresses are now. */
  #rest(): Promise<Turned> {
    return this.#director.suspend((config) => this.#suspension.rests(config));
  }

  /** Some rest from now on, and others no longer. */
  async #turnTo(checks: Turned): Promise<void> {
    await this.#updatePool(this.#pool, checks);
    this.#hear(this.#followed.missed());
  }

  /** Reloads and ha_suspend: what one takes out of the pool the other may put back, so one waits for the other. */
  #alone(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
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
    if (same && config.global.checkerMaxProcesses === this.#maxProcesses) return;
    const sentence =
      "checker_threads, checker_max_in_flight and checker_max_processes take effect at the next start, not by a reload";
    this.#deps.log("notice", "checks.limits-kept", sentence);
  }
}

/** Places count too: of a service that several share the first one has the settings. */
const isSameList = <T>(a: readonly T[], b: readonly T[]): boolean =>
  a === b || (a.length === b.length && a.every((one, place) => one === b[place]));

function* onlyPooled(specs: Iterable<ServerCheckSpec>): Generator<CheckSpec> {
  for (const spec of specs) if (isPooled(spec.check)) yield spec as CheckSpec;
}

const releases = { off: "ours", VS: "services", all: "table" } as const;

/** @returns undefined with `auto` when there is no IPVS */
async function openBackend(deps: LvsSideDeps, config: Config): Promise<IpvsBackend | undefined> {
  const { ipvs, log } = deps;
  const found = await tryBackend(ipvs === "memory" ? new MemoryBackend() : kernelOf(deps, config));
  if ("backend" in found) return found.backend;
  if (ipvs !== "auto") throw found.missing;
  const { code, message } = found.missing;
  const sentence = `${message}; checks and VRRP go on, nothing is balanced; looking again every 30 s`;
  log("error", "ipvs.missing", sentence, { code });
  return undefined;
}

const kernelOf = ({ kernel }: LvsSideDeps, config: Config): IpvsBackend =>
  kernel?.() ?? new KernelBackend(ipvsSocketOptions(config));

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
