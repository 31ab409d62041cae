import { isDeepStrictEqual } from "node:util";
import type { Family, IpAddress } from "../address.js";
import type { Clock } from "../clock.js";
import type { Config, VrrpInstanceConfig } from "../config/model.js";
import type { LinkbeatMethod, TrackGroupConfig } from "../config/model-vrrp.js";
import { groupBy } from "../group-by.js";
import type { Log } from "../observe/log.js";
import { type Milliseconds, ms } from "../units.js";
import { unreachable } from "../unreachable.js";
import { AddressHolder } from "./address-holder.js";
import { Endpoints } from "./endpoints.js";
import { EntryClaims } from "./entry-claims.js";
import { EntryHolder } from "./entry-holder.js";
import { heldLinks } from "./entry-links.js";
import type { TrackFileHost } from "./file-monitor.js";
import { GarpSender } from "./garp-sender.js";
import type { GuardReducer } from "./guard.js";
import type { GuardHost } from "./guard-ports.js";
import { Instance } from "./instance.js";
import { instanceKeys, wasKeyOf } from "./instance-key.js";
import type { InstanceDeps, Resumption, VrrpNotice, VrrpTransition } from "./instance-types.js";
import { LinkBeat, polledLinks } from "./link-beat.js";
import { LinkStandings } from "./link-standings.js";
import { step } from "./machine.js";
import type { Reducer } from "./machine-types.js";
import { OwnDeletions } from "./own-deletions.js";
import type {
  AddressFilter,
  AdvertTransport,
  HostEntries,
  HostNetwork,
  InterfaceAddress,
  Link,
  LinkPoller,
  NetworkChange,
  ScriptRunner,
  SendFrame,
} from "./ports.js";
import type { ProcessCounter, ProcessSnapshot } from "./process-monitor.js";
import { Repairs } from "./repairs.js";
import { ScriptMonitor, type ScriptSnapshot } from "./script-monitor.js";
import type { InstanceStanding, VrrpSnapshot } from "./snapshot.js";
import { StartupDelay, type StartupMemory } from "./startup-delay.js";
import { StaticEntries } from "./static-entries.js";
import { type GroupSnapshot, type GroupTransition, SyncGroups } from "./sync-groups.js";
import { type TrackMemory, TrackRecall } from "./track-memory.js";
import { Trackers } from "./trackers.js";
import { type Standing, trackedLinks } from "./tracking.js";
import { Verdicts } from "./verdicts.js";
import type { SequenceStore } from "./wire-state.js";

export interface VrrpDeps {
  readonly clock: Clock;
  readonly network: HostNetwork;
  /** Routes and rules; without it instances have none. */
  readonly entries?: HostEntries;
  /** What drops packets to addresses; without it all are accepted. */
  readonly filter?: AddressFilter;
  readonly transport: AdvertTransport;
  readonly sendFrame: SendFrame;
  /** Undefined: only netlink tells of links. */
  readonly pollLink?: LinkPoller;
  /** Whether this host forwards IPv6 on an interface: its neighbour adverts say so (RFC 4861 §4.4). Absent: no. */
  readonly forwardsIpv6?: (interfaceName: string) => boolean;
  /** Milliseconds since 1970, for auth_hmac. Default: the system's. */
  readonly wallClock?: () => number;
  readonly scripts: ScriptRunner;
  /** Undefined: nothing is read from a disk. */
  readonly trackFiles?: TrackFileHost;
  readonly processes?: ProcessCounter;
  readonly log: Log;
  readonly onTransition: (event: VrrpTransition) => void;
  readonly onGroupTransition?: (event: GroupTransition) => void;
  readonly onNotice?: (notice: VrrpNotice) => void;
  /** Every advert but farewells, for the state that outlives a crash. `bootMs` is `Clock.now`. */
  readonly onAdvertSent?: (key: string, bootMs: Milliseconds) => void;
  /** A master was not heard, and will be down in some milliseconds: time for at most two of them is there. */
  readonly getReady?: () => void;
  /** Sequence numbers of signed adverts, which must go on after a crash. */
  readonly sequences?: (key: string) => SequenceStore;
  /** A reload removed it. */
  readonly onRemoved?: (key: string) => void;
  /** Of vrrp_startup_delay; without it a crash ends the delay. */
  readonly startupMemory?: StartupMemory;
  /** What trackers know; without it they begin anew after a crash. */
  readonly trackMemory?: TrackMemory;
  /** What the daemon before this one was, asked once per instance at its start. */
  readonly resume: (key: string) => Resumption | undefined;
  /** Runs it in a later turn of the loop. Default: by the clock. */
  readonly later?: (fn: () => void) => void;
  /** Milliseconds that have really passed, for work that is cut into pieces. Default: none do, as in a simulation. */
  readonly elapsed?: () => number;
  /** Instead of machine.ts: the simulation proves its rules with broken ones. */
  readonly reducer?: Reducer;
  /** What split_brain_guard asks; without it no instance has a guard. */
  readonly guards?: GuardHost;
  /** Instead of guard.ts, as `reducer`. */
  readonly guardReducer?: GuardReducer;
}

/** Priority of the owner of the addresses. */
const OWNER = 255;

interface Entry {
  config: VrrpInstanceConfig;
  readonly instance: Instance;
}

/** An instance that a link matters to. */
interface Concerned {
  readonly instance: Instance;
  /** Its state is a matter of the link's; otherwise it only has addresses or routes there. */
  readonly tracked: boolean;
}

/** All virtual routers of the daemon: sockets, timers and the host's events, around the pure reducer. */
export class VrrpRouter {
  readonly #deps: VrrpDeps;
  readonly #entries = new Map<string, Entry>();
  readonly #verdicts = new Verdicts();
  #keeps: boolean = false;
  readonly #garp: GarpSender;
  readonly #recall: TrackRecall;
  readonly #scripts: ScriptMonitor;
  readonly #groups: SyncGroups;
  readonly #trackers: Trackers;
  readonly #instanceDeps: InstanceDeps;
  readonly #statics: StaticEntries;
  readonly #startup: StartupDelay;
  readonly #endpoints: Endpoints;
  readonly #links: LinkStandings;
  readonly #beat: LinkBeat | undefined;
  /** Instances by the links that matter to them, by their keys; undefined: to be built again. */
  #byLink: Map<string, Map<string, Concerned>> | undefined;
  /** All by their own interface; undefined: to be built again. */
  #byInterface: ReadonlyMap<string, readonly Entry[]> | undefined;
  #virtual: ReadonlySet<IpAddress> = new Set();
  /** An instance follows its source address, which may be on any interface. */
  #tracksSources: boolean = false;
  #mcastGroups: McastGroups | undefined;
  #trackGroups: readonly TrackGroupConfig[] = [];
  /** While instances begin: what all of them hold, or did. */
  #held: Set<string> | undefined;
  #subscription: Disposable | undefined;
  #entrySubscription: Disposable | undefined;

  constructor(deps: VrrpDeps) {
    this.#deps = deps;
    this.#garp = new GarpSender(deps);
    this.#recall = new TrackRecall(deps.trackMemory);
    const recall = this.#recall;
    this.#scripts = new ScriptMonitor({ ...deps, recall, onEdge: (name) => this.#onScriptEdge(name) });
    const { clock, log } = deps;
    const onGroup = (event: GroupTransition): void => deps.onGroupTransition?.(event);
    const later = deps.later ?? ((fn: () => void): void => void clock.after(ms(0), fn));
    const elapsed = deps.elapsed ?? ((): number => 0);
    this.#groups = new SyncGroups({ log, now: () => clock.now(), onTransition: onGroup, later, elapsed });
    this.#trackers = new Trackers({
      clock,
      log,
      files: deps.trackFiles,
      processes: deps.processes,
      onEdge: (kind, name) => this.#refreshWho(({ track }) => track[kind]?.some((t) => t.name === name) === true),
    });
    const poll = deps.pollLink;
    this.#beat = poll && new LinkBeat({ clock, log, poll, recall, onEdge: (name) => this.#lookAt(name) });
    this.#links = new LinkStandings({
      clock,
      log,
      recall,
      running: (name) => deps.network.link(name)?.running === true && this.#beat?.up(name) !== false,
      onDue: (name) => this.#refreshWho((config) => trackedLinks(config).has(name)),
    });
    this.#startup = new StartupDelay(clock, log, deps.startupMemory);
    this.#endpoints = new Endpoints(deps);
    this.#instanceDeps = {
      startup: this.#startup,
      reducer: deps.reducer ?? step,
      repeats: deps.reducer === undefined, // another one has its own mind about adverts
      clock: deps.clock,
      network: deps.network,
      entries: deps.entries,
      filter: deps.filter,
      repairs: new Repairs(deps.clock, deps.log),
      deletions: new OwnDeletions(deps.clock),
      claims: new EntryClaims(),
      keeps: () => this.#keeps,
      endpoints: this.#endpoints,
      garp: this.#garp,
      verdicts: this.#verdicts,
      log: deps.log,
      wallClock: deps.wallClock ?? Date.now,
      linkUp: (name) => this.#links.up(name),
      script: (name) => this.#scripts.standing(name),
      virtualAddresses: () => this.#virtual,
      groups: this.#groups,
      trackers: this.#trackers,
      guards: deps.guards,
      guardReducer: deps.guardReducer,
      onTransition: (event) => {
        if (event.to === "MASTER") this.#noteHeld(event.key);
        deps.onTransition(event);
      },
      onNotice: deps.onNotice,
      sequences: deps.sequences,
      onAdvertSent: deps.onAdvertSent,
      getReady: deps.getReady,
    };
    this.#statics = new StaticEntries(this.#instanceDeps, (group, what) => this.#staticEntryLost(group, what));
  }

  /** From now on what others delete is put back at once, and nobody hears of it. `false`: as usual. */
  keep(keeps: boolean): void {
    this.#keeps = keeps;
  }

  /** Starts every instance: as MASTER where the daemon before left one, as RFC 5798 §6.4.1 says otherwise. */
  start(config: Config): void {
    for (const _step of this.starting(config));
  }

  /**
   * The same, an instance at a time, as `reloading`: answers of the kernel are read in between.
   * @returns steps; each names the instance that begins with the next one, if any
   */
  *starting(config: Config): Generator<VrrpInstanceConfig | undefined> {
    this.#subscription = this.#deps.network.subscribe((change) => this.#onChange(change));
    this.#entrySubscription = this.#deps.entries?.subscribe({
      onLost: (isThat) => {
        this.#statics.entryGone(isThat);
        for (const { instance } of this.#entries.values()) instance.entryGone(isThat);
      },
      onUnknown: () => this.#restore(undefined),
    });
    this.#delayStart(config);
    using _ = this.#recall.start();
    yield* this.#applying(config);
  }

  #delayStart({ global: { startup }, vrrpInstances }: Config): void {
    if (startup.delay === 0 && startup.delayAfterBoot === 0) return;
    const crashed = [...instanceKeys(vrrpInstances).keys()].some((key) => this.#deps.resume(key) !== undefined);
    if (crashed) this.#startup.goOn(startup);
    else this.#startup.begin(startup);
  }

  /** Applies the difference to the running configuration; what did not change is not touched. */
  reload(config: Config): void {
    for (const _step of this.reloading(config));
  }

  /** The same, an instance at a time: between two of them whatever comes is dealt with as usual. */
  reloading(config: Config): Generator<unknown> {
    const moved = this.#startup.change(config.global.startup);
    if (moved !== 0) for (const { instance } of this.#entries.values()) instance.moveStart(moved);
    return this.#applying(config);
  }

  /**
   * After a take-over: takes off the host what instances had in the daemon before, and no instance and no static entry has in
   * the configuration any more. An instance at a time.
   */
  *releasingLeft(left: readonly VrrpInstanceConfig[]): Generator<void> {
    if (left.length === 0) return;
    const named = new Set(this.#statics.names());
    for (const { instance } of this.#entries.values()) {
      for (const key of instance.names()) named.add(key);
      yield;
    }
    for (const config of left) {
      const today = wasKeyOf(config).map((key) => this.#entries.get(key)?.config.virtualInterface);
      const known = today.find((one) => one?.own !== undefined);
      const own = config.virtualInterface.own === undefined ? undefined : known; // its VMAC is known by the one of today
      const placed = own === undefined ? config : { ...config, virtualInterface: own };
      new EntryHolder(placed, this.#instanceDeps).forceRelease((entry) => named.has(entry));
      new AddressHolder(placed, this.#instanceDeps).forceRelease((address) => named.has(address));
      yield;
    }
  }

  /**
   * Stops every instance. With `release`, masters say good-bye and their addresses are removed; without, the next
   * daemon finds everything in place. Resolves when the kernel has answered every request.
   */
  async stop(options: { readonly release: boolean }): Promise<void> {
    this.#subscription?.[Symbol.dispose]();
    this.#entrySubscription?.[Symbol.dispose]();
    this.#startup[Symbol.dispose]();
    this.#scripts[Symbol.dispose]();
    this.#trackers[Symbol.dispose]();
    this.#links[Symbol.dispose]();
    this.#beat?.[Symbol.dispose]();
    const groups = this.#groups.close();
    for (const { instance } of this.#entries.values()) instance.stop(options.release, "STOP");
    this.#entries.clear();
    const at = this.#deps.clock.now();
    for (const { config: group } of groups)
      this.#deps.onGroupTransition?.({ group, to: "STOP", because: "shutdown", at });
    if (options.release) this.#statics.release();
    this.#garp[Symbol.dispose]();
    await this.#verdicts.settled();
  }

  /** Resolves when the kernel has answered every request. */
  settled(): Promise<void> {
    return this.#verdicts.settled();
  }

  snapshot(): readonly VrrpSnapshot[] {
    return [...this.snapshots()];
  }

  /** One by one, each as it is when it is asked for: those of a thousand instances take more than a turn may. */
  *snapshots(): Generator<VrrpSnapshot> {
    for (const { instance } of this.#entries.values()) yield instance.snapshot();
  }

  /** Of those with these names; `snapshot` of a thousand instances is not for every question. */
  snapshotsOf(names: ReadonlySet<string>): readonly VrrpSnapshot[] {
    const named = [...this.#entries.values()].filter(({ config }) => names.has(config.name));
    return named.map(({ instance }) => instance.snapshot());
  }

  /** As `snapshotsOf`, for a thousand members of a sync group. */
  standingsOf(names: ReadonlySet<string>): ReadonlyMap<string, InstanceStanding> {
    const named = [...this.#entries.values()].filter(({ config }) => names.has(config.name));
    return new Map(named.map(({ config, instance }) => [config.name, instance.standing()]));
  }

  /** Of all instances; see instance-key.ts. */
  keys(): Iterable<string> {
    return this.#entries.keys();
  }

  names(): readonly string[] {
    return [...this.#entries.values()].map(({ config }) => config.name);
  }

  scripts(): readonly ScriptSnapshot[] {
    return this.#scripts.snapshot();
  }

  /** For whoever runs BFD sessions, before `start`: without it tracking them has no effect. */
  expectBfd(): void {
    this.#trackers.expectBfd();
  }

  /** A BFD session came up or went down. */
  setBfd(name: string, state: "up" | "down"): void {
    this.#trackers.setBfd(name, state);
  }

  /** A virtual server gained or lost its quorum. */
  setQuorum(name: string, state: "up" | "down"): void {
    this.#trackers.setQuorum(name, state);
  }

  trackedFiles(): ReturnType<Trackers["files"]> {
    return this.#trackers.files();
  }

  trackedProcesses(): readonly ProcessSnapshot[] {
    return this.#trackers.processes();
  }

  groups(): readonly GroupSnapshot[] {
    return this.#groups.snapshot();
  }

  trackedBfd(name: string): Standing | undefined {
    return this.#trackers.bfd(name);
  }

  /** By position in the static addresses of the configuration: is it on its interface? */
  staticAddressesSet(): readonly boolean[] {
    return this.#statics.addressesSet();
  }

  /** When the next announcement may go on that interface; 0: none has gone yet. */
  garpFreeAt(interfaceName: string, family: Family): Milliseconds {
    return this.#garp.freeAt(interfaceName, family);
  }

  linkDelay(name: string): ReturnType<LinkStandings["delay"]> {
    return this.#links.delay(name);
  }

  linkMethod(name: string): LinkbeatMethod | undefined {
    return this.#beat?.method(name);
  }

  clearStats(): void {
    for (const { instance } of this.#entries.values()) instance.clearCounters();
  }

  /** A static address, route or rule of a track_group was deleted: its masters give way, and are back after skew time. */
  #staticEntryLost(trackGroup: string, what: string): void {
    const members = this.#trackGroups.find(({ name }) => name === trackGroup)?.members ?? [];
    for (const { config, instance } of this.#entries.values()) {
      if (members.includes(config.name)) instance.giveWay(what);
    }
  }

  *#applying(config: Config): Generator<VrrpInstanceConfig | undefined> {
    const wanted = instanceKeys(config.vrrpInstances);
    this.#byLink = this.#byInterface = undefined;
    const mcast = mcastGroupsOf(config);
    const before = this.#mcastGroups;
    this.#mcastGroups = mcast;
    this.#virtual = yield* virtualAddresses(config);
    this.#tracksSources = config.vrrpInstances.some(({ extras }) => extras.trackSourceAddress);
    const { instanceDefaults, buffers } = config.global;
    this.#endpoints.configure({ logUnknown: instanceDefaults.logUnknownVrids, buffers });
    this.#statics.update(config.staticEntries);
    const { vrrpGarpInterval: inet, vrrpGnaInterval: inet6 } = config.global;
    this.#garp.configure({ inet, inet6 }, config.linkSettings.garpGroups);
    const gone = [...this.#entries].filter(([key]) => !wanted.has(key));
    const added = new Set<string>();
    for (const [key, next] of wanted) {
      if (this.#entries.has(key)) continue;
      added.add(key);
      const group = next.wire.group ?? mcast[next.family];
      this.#entries.set(key, { config: next, instance: new Instance(key, next, group, this.#instanceDeps) });
      yield;
    }
    this.#groups.update(config.syncGroups, members(wanted, this.#entries));
    for (const [key, entry] of gone) {
      this.#remove(key, entry);
      yield;
    }
    this.#scripts.update(config.vrrpScripts);
    this.#trackers.update(config.trackers);
    this.#beat?.configure(polledLinks(config));
    this.#links.configure(config.linkSettings.delays, config.vrrpInstances);
    this.#trackGroups = config.trackers.groups;
    yield* this.#groups.preparing((key) => this.#isFresh(key));
    this.#byLink = this.#byInterface = undefined; // what came in so far saw some of them, or none
    if (added.size > 0) yield* this.#noteAllHeld();
    for (const [key, next] of wanted) {
      const entry = this.#entries.get(key);
      if (entry === undefined) continue;
      const group = next.wire.group ?? mcast[next.family];
      const groupMoved = before !== undefined && before[next.family] !== mcast[next.family];
      if (added.has(key)) {
        yield next;
        this.#begin(key, entry);
      } else {
        this.#watchLinks(key, next);
        if (groupMoved || !sameInstance(entry.config, next)) {
          entry.instance.reconfigure(next, group);
          entry.config = next;
          this.#byLink = undefined; // it may look at other links now
        } else entry.instance.refresh();
      }
      this.#noteHeld(key);
      entry.config = next;
      yield;
    }
    this.#held = undefined;
    yield* this.#groups.settling();
    this.#byLink = this.#byInterface = undefined; // what came in between saw half of it
  }

  /** From now on whoever becomes MASTER is noted too: between two steps of a start it may be any that has begun. */
  *#noteAllHeld(): Generator<undefined> {
    this.#held = new Set();
    for (const key of this.#entries.keys()) {
      this.#noteHeld(key);
      yield;
    }
  }

  #noteHeld(key: string): void {
    const instance = this.#held && this.#entries.get(key)?.instance;
    for (const one of instance?.held() ?? []) this.#held?.add(one);
  }

  /** Asking all the others about every address would take too long: only about what anybody has held. */
  #begin(key: string, { config, instance }: Entry): void {
    this.#watchLinks(key, config);
    const resumption = this.#groups.mayResume(key) ? this.#deps.resume(key) : undefined;
    instance.start(resumption, (address) => this.#held?.has(address) === true && this.#heldByOthers(address, instance));
  }

  /** What they are now is known before they change: a change may be delayed. */
  #watchLinks(key: string, config: VrrpInstanceConfig): void {
    for (const name of trackedLinks(this.#groups.watched(key, config))) this.#links.begin(name);
  }

  #isFresh(key: string): boolean {
    return this.#entries.get(key)?.instance.isFresh(this.#deps.resume(key)) ?? false;
  }

  #heldByOthers(address: string, instance: Instance): boolean {
    for (const other of this.#entries.values()) {
      if (other.instance === instance) return false; // those after it have not begun
      if (other.instance.holds(address)) return true;
    }
    return false;
  }

  #remove(key: string, { config, instance }: Entry): void {
    instance.stop(true, config.extras.notifyDeleted ? "DELETED" : "FAULT");
    this.#entries.delete(key);
    this.#deps.onRemoved?.(key);
  }

  #onScriptEdge(name: string): void {
    this.#refreshWho((config) => config.trackScripts.some((t) => t.name === name));
  }

  #refreshWho(concerned: (watched: VrrpInstanceConfig) => boolean): void {
    for (const [key, { config, instance }] of this.#entries) {
      if (concerned(this.#groups.watched(key, config))) instance.refresh();
    }
  }

  #onChange(change: NetworkChange): void {
    switch (change.kind) {
      case "link":
        this.#onLink(change.link.name, change.link);
        break;
      case "link-gone":
        this.#onLink(change.name, undefined);
        break;
      case "address":
        this.#refreshOn(change.address);
        break;
      case "address-gone":
        this.#statics.addressGone(change.address);
        for (const { instance } of this.#entries.values()) instance.addressGone(change.address);
        this.#refreshOn(change.address);
        break;
      default:
        unreachable(change);
    }
  }

  /** @param interfaceName undefined: anything may be missing */
  #restore(interfaceName: string | undefined): void {
    this.#statics.restore(interfaceName);
    const concerned = interfaceName === undefined ? this.#entries.values() : this.#concerned(interfaceName);
    for (const { instance } of concerned) instance.restore(interfaceName);
  }

  /** A storm of links (a thousand VMACs come or go) must not look at every instance each time. */
  #concerned(interfaceName: string): Iterable<Concerned> {
    this.#byLink ??= this.#linkIndex();
    return this.#byLink.get(interfaceName)?.values() ?? [];
  }

  #linkIndex(): Map<string, Map<string, Concerned>> {
    const index = new Map<string, Map<string, Concerned>>();
    const note = (name: string, key: string, concerned: Concerned): void => {
      const known = index.get(name);
      if (known === undefined) index.set(name, new Map([[key, concerned]]));
      else known.set(key, concerned);
    };
    for (const [key, { config, instance }] of this.#entries) {
      for (const name of heldLinks(config)) note(name, key, { instance, tracked: false });
      for (const name of trackedLinks(this.#groups.watched(key, config))) note(name, key, { instance, tracked: true });
    }
    return index;
  }

  #onLink(name: string, link: Link | undefined): void {
    if (link?.running === true) this.#restore(name);
    this.#lookAt(name);
  }

  /** What the link counts as may have changed. */
  #lookAt(name: string): void {
    const concerned = [...this.#concerned(name)].filter(({ tracked }) => tracked);
    if (concerned.length === 0) return;
    this.#links.look(name);
    for (const { instance } of concerned) instance.refresh();
  }

  /**
   * Addresses matter to instances that take their source address from that interface. Virtual ones do to their owners only
   * (source.ts): when thousands of them come and go together, nobody else looks again each time.
   */
  #refreshOn({ interfaceIndex, address }: InterfaceAddress): void {
    const isVirtual = this.#virtual.has(address);
    this.#byInterface ??= groupBy(this.#entries.values(), ({ config }) => config.interface);
    for (const [name, entries] of this.#byInterface) {
      const isHere = this.#deps.network.link(name)?.index === interfaceIndex;
      if (!isHere && !this.#tracksSources) continue;
      for (const { config, instance } of entries) {
        if (isVirtual && config.basePriority !== OWNER) continue;
        if (isHere || (config.extras.trackSourceAddress && config.sourceAddress === address)) instance.refresh();
      }
    }
  }
}

/** Instances by their names in the new configuration: a renamed one belongs to the groups that use the new name. */
function* members(wanted: ReadonlyMap<string, VrrpInstanceConfig>, entries: ReadonlyMap<string, Entry>) {
  for (const [key, { name }] of wanted) {
    const entry = entries.get(key);
    if (entry !== undefined) yield [name, entry.instance] as const;
  }
}

/** Where adverts go, unless an instance says otherwise. */
type McastGroups = Readonly<Record<Family, IpAddress>>;

const mcastGroupsOf = ({ global }: Config): McastGroups => ({
  inet: global.vrrpMcastGroup4,
  inet6: global.instanceDefaults.mcastGroup6,
});

/** Where a block stands in the file changes nothing. */
function sameInstance(a: VrrpInstanceConfig, b: VrrpInstanceConfig): boolean {
  return a === b || isDeepStrictEqual({ ...a, at: undefined }, { ...b, at: undefined });
}

function* virtualAddresses(config: Config): Generator<undefined, ReadonlySet<IpAddress>> {
  const all = new Set<IpAddress>();
  for (const { virtualAddresses: own, excludedAddresses: excluded } of config.vrrpInstances) {
    for (const { address } of own) all.add(address);
    for (const { address } of excluded) all.add(address);
    yield;
  }
  return all;
}
