import { pollLink } from "../../native-bindings/link-state.js";
import { bootTime } from "../../native-bindings/timer.js";
import type { Clock } from "../clock.js";
import type { Config, VrrpInstanceConfig } from "../config/model.js";
import type { BuffersConfig } from "../config/model-global.js";
import { DaemonError, errnoName } from "../errors.js";
import { inSlices } from "../health/slices.js";
import type { Request } from "../netlink/connection.js";
import { MessageWriter } from "../netlink/writer.js";
import type { FilterChoice } from "../network/filter-choice.js";
import type { KernelEntries } from "../network/host-entries.js";
import type { KernelNetwork } from "../network/host-network.js";
import { ipv6Forwarding } from "../network/ipv6-forwarding.js";
import { openHostEntries, openHostNetwork, openPacketFilter } from "../network/open.js";
import { type FrameSender, openFrameSender } from "../network/packet-sender.js";
import { procSysctls } from "../network/proc-sysctls.js";
import { netlinkBufferBytes } from "../network/receive-buffer.js";
import { addAddressRequest, deleteAddressRequest } from "../network/rtnetlink.js";
import { joiningVmacs } from "../network/virtual-link-plan.js";
import { type ComingLinks, VirtualLinks } from "../network/virtual-links.js";
import type { Notifier } from "../notify/notifier.js";
import type { Log } from "../observe/log.js";
import type { LinkDump, VrrpDump, VrrpInstanceDump } from "../observe/vrrp-dump.js";
import { hurry, nextTurn, pieceOfTurn } from "../turn.js";
import { ms } from "../units.js";
import { SegmentProber } from "../vrrp/address-prober.js";
import { heldLinks } from "../vrrp/entry-links.js";
import { newSession } from "../vrrp/heartbeat-link.js";
import { HeartbeatSockets } from "../vrrp/heartbeat-sockets.js";
import type { VrrpTransition } from "../vrrp/instance-types.js";
import type { HostNetwork, InterfaceAddress, ScriptRunner, SendFrame } from "../vrrp/ports.js";
import { ProcessThread } from "../vrrp/process-thread.js";
import { RawTransport } from "../vrrp/raw-transport.js";
import { rehearsal, rehearse } from "../vrrp/rehearsal.js";
import { Repairs } from "../vrrp/repairs.js";
import { VrrpRouter } from "../vrrp/router.js";
import { DiskTrackFiles } from "../vrrp/track-file-host.js";
import { trackedLinks } from "../vrrp/tracking.js";
import { WitnessThread } from "../vrrp/witness-thread.js";
import { guardStatus } from "./guard-view.js";
import type { LastingState } from "./lasting-state.js";
import { garpDumps, type LinkSources, linkDumps } from "./link-view.js";
import type { InstanceStatus } from "./status.js";
import { instanceStatus } from "./status-view.js";
import { noticeEvent, reportingPriority, stateEvents, transitionEvent } from "./vrrp-notices.js";
import { fileDump, groupDump, instanceDump, processDump, scriptDump } from "./vrrp-view.js";
import type { WhyAnswer, WhyDocument } from "./why.js";
import { whyDocument } from "./why-report.js";

const BETWEEN_ROUNDS = ms(25);
/** For so long what has been rehearsed is not forgotten: where many masters are lost together, once is enough. */
const REMEMBERED = ms(50);
/** Virtual links that come within this time. */
const TOGETHER = ms(100);
/** Threads that read tracked files end within some milliseconds, unless a disk hangs. */
const THREADS_END = ms(500);

export interface VrrpSideDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly scripts: ScriptRunner;
  readonly notifier: Notifier;
  readonly lasting: LastingState;
  /** After every change of an instance's state. */
  readonly onState: (instance: string) => void;
  /** Of sockets that are opened once. */
  readonly buffers: BuffersConfig;
  /** Somebody runs BFD sessions, and tells of them by `setBfd`. */
  readonly hasBfd: boolean;
  /** --address-monitoring: every address that comes or goes is a line in the log. */
  readonly tellsAddresses: boolean;
  /** One word: this daemon among those of the host, also after a crash. */
  readonly owner: string;
  /** Awaited when all is ready to send: another daemon on this host ends only now. */
  readonly beforeStart?: ((placed: Config, network: HostNetwork) => Promise<void>) | undefined;
  /** Runs what starts a thread; see Scheduling. */
  readonly unpinned: <T>(start: () => T) => T;
}

/** VRRP with what it needs of this host: links and addresses, raw sockets, frames, scripts. */
export class VrrpSide {
  readonly #deps: VrrpSideDeps;
  readonly #network: KernelNetwork;
  readonly #entries: KernelEntries;
  readonly #links: VirtualLinks;
  readonly #filter: FilterChoice;
  readonly #frames: FrameSender;
  readonly #witnesses: WitnessThread;
  readonly #router: VrrpRouter;
  readonly #files: DiskTrackFiles;
  #hangs = false;
  /** Names of instances whose changes of priority are told. */
  #reporting: ReadonlySet<string> = new Set();
  /** As the router has it: with the names of virtual links. */
  #placed: Config | undefined;
  #redirecting: Disposable | undefined;
  #rehearsedAt = ms(0);

  private constructor(deps: VrrpSideDeps, network: KernelNetwork, frames: FrameSender) {
    this.#deps = deps;
    this.#network = network;
    this.#entries = openHostEntries(network, deps.log, netlinkBytes(deps));
    const { clock, log, lasting } = deps;
    const repairs = new Repairs(clock, log);
    const watch = { clock, allow: (what: string) => repairs.allow(what) };
    this.#filter = openPacketFilter(network, log, deps.owner, { watch, unpinned: deps.unpinned });
    this.#links = new VirtualLinks(network, clock, log, () => this.#redirectSoon(), procSysctls, lasting, this.#filter);
    this.#frames = frames;
    this.#files = new DiskTrackFiles(deps.clock, deps.unpinned);
    this.#witnesses = new WitnessThread(deps.clock, deps.log, deps.unpinned);
    const sendFrame: SendFrame = (interfaceIndex, frame) => frames.send(interfaceIndex, frame);
    this.#router = new VrrpRouter({
      clock: deps.clock,
      guards: {
        heartbeats: new HeartbeatSockets(deps.clock, deps.log),
        witnesses: this.#witnesses,
        addresses: new SegmentProber({ clock: deps.clock, network, sendFrame }),
        scripts: deps.scripts,
        session: newSession,
      },
      network,
      entries: this.#entries,
      filter: this.#filter,
      transport: new RawTransport(deps.log),
      sendFrame,
      forwardsIpv6: ipv6Forwarding(deps.clock),
      pollLink,
      scripts: deps.scripts,
      trackFiles: this.#files,
      processes: new ProcessThread(deps.clock, deps.unpinned, netlinkBufferBytes(deps.buffers.processMonitor)),
      log: deps.log,
      onTransition: (event) => this.#onTransition(event),
      onGroupTransition: ({ group: { name, notify, smtpAlert }, to: state }) =>
        deps.notifier.notify({ kind: "group", name, state, notify, smtpAlert }),
      onNotice: (notice) => {
        const event = noticeEvent(notice, this.#reporting);
        if (event !== undefined) deps.notifier.notify(event);
      },
      onAdvertSent: (key, at) => deps.lasting.rememberAdvert(key, at),
      sequences: (key) => deps.lasting.sequences(key),
      resume: (key) => deps.lasting.resumption(key),
      onRemoved: (key) => deps.lasting.forgetVrrp(key),
      startupMemory: deps.lasting.startup,
      trackMemory: deps.lasting.tracks,
      getReady: () => this.#getReady(),
      later: (fn) => void nextTurn().then(fn),
      elapsed: () => performance.now(),
    });
    if (deps.hasBfd) this.#router.expectBfd();
  }

  /** @throws DaemonError E_NETLINK; E_PRIVILEGE when the sockets cannot be had */
  static async open(deps: VrrpSideDeps): Promise<VrrpSide> {
    const network = await openHostNetwork(deps.log, deps.clock, netlinkBytes(deps));
    try {
      return new VrrpSide(deps, network, openFrameSender());
    } catch (cause) {
      network[Symbol.dispose]();
      throw errnoName(cause) === "EPERM" ? unprivileged(cause) : cause;
    }
  }

  async start(config: Config): Promise<void> {
    if (this.#deps.tellsAddresses) tellAddresses(this.#network, this.#deps.log);
    this.#configure(config);
    const coming = await this.#placing(config);
    const placed = coming.config;
    const { beforeStart } = this.#deps;
    if (beforeStart !== undefined || needsAll(config)) await this.#allThere(coming);
    await beforeStart?.(placed, this.#network);
    using _haste = hurry("beside adverts");
    await this.#begin(placed, coming);
    await this.#allThere(coming);
    this.#rehearse(rehearsal(placed, withoutChanges(this.#network)));
  }

  async reload(config: Config): Promise<void> {
    this.#configure(config);
    await inSlices(this.#router.reloading(await this.#place(config)));
    await this.#links.prune();
    if (!config.global.fifos.statesOnReload) return;
    const { notifier } = this.#deps;
    const events = stateEvents(this.#router.snapshots(), () => this.#router.groups());
    await inSlices(mapped(events, (event) => notifier.notify(event)));
  }

  /** What a daemon that died has left of instances that changed since. */
  async releaseLeft(left: readonly VrrpInstanceConfig[]): Promise<void> {
    if (left.length > 0 && this.#placed !== undefined) {
      const links = this.#links.left(left, this.#placed);
      await inSlices(this.#router.releasingLeft(links.instances));
      await links.remove();
    }
    await inSlices(this.#deps.lasting.forgettingOthers(() => this.#router.keys()));
  }

  /** Resolves when the kernel has answered every request. */
  settled(): Promise<void> {
    return this.#router.settled();
  }

  async #place(config: Config): Promise<Config> {
    const coming = await this.#placing(config);
    await this.#allThere(coming);
    return coming.config;
  }

  async #placing(config: Config): Promise<ComingLinks> {
    await this.#filter.choose(config.global, filters(config));
    this.#filter.configure(config.global);
    const coming = await this.#links.applying(config);
    this.#placed = coming.config;
    return coming;
  }

  /** Instances begin while the links of others are being made. */
  async #begin(placed: Config, coming: ComingLinks): Promise<void> {
    const steps = this.#router.starting(placed);
    const there = new Set<Promise<void>>();
    for (let until = 0; ; ) {
      const { value: next, done } = steps.next();
      if (done === true) return;
      for (const name of next === undefined ? [] : linksOf(next)) {
        const made = coming.made(name);
        if (made === undefined || there.has(made)) continue;
        await made;
        there.add(made);
        this.#redirectIgmp(); // before its socket joins the group
      }
      if (performance.now() < until) continue;
      await nextTurn();
      until = performance.now() + pieceOfTurn().ms;
    }
  }

  async #allThere(coming: ComingLinks): Promise<void> {
    await coming.all;
    this.#redirectIgmp();
  }

  #redirectIgmp(): void {
    if (this.#placed !== undefined) this.#filter.redirectIgmp(joiningVmacs(this.#placed));
  }

  /** Once for all links that come together. */
  #redirectSoon(): void {
    this.#redirecting ??= this.#deps.clock.after(TOGETHER, () => {
      this.#redirecting = undefined;
      this.#redirectIgmp();
    });
  }

  /** With `release`: good-bye adverts, addresses removed. Resolves when the kernel has answered. */
  async stop(release: boolean): Promise<void> {
    this.#redirecting?.[Symbol.dispose]();
    this.#placed = undefined;
    await this.#router.stop({ release });
    this.#witnesses[Symbol.dispose]();
    if (release) {
      await this.#filter.remove();
      await this.#links.remove();
    }
    this.#filter[Symbol.dispose]();
    this.#links[Symbol.dispose]();
    this.#entries[Symbol.dispose]();
    this.#network[Symbol.dispose]();
    this.#frames[Symbol.dispose]();
    this.#hangs = await this.#files.hangs(THREADS_END);
  }

  /** For whoever takes our place, see `VrrpRouter.keep`. */
  keep(keeps: boolean): void {
    this.#router.keep(keeps);
  }

  /** After `stop`: a thread waits for a file server that is gone, and only the end of the process ends it. */
  stuck(): boolean {
    return this.#hangs;
  }

  setBfd(name: string, state: "up" | "down"): void {
    this.#router.setBfd(name, state);
  }

  /** Of a virtual server, by its name in the log. */
  setQuorum(name: string, state: "up" | "down"): void {
    this.#router.setQuorum(name, state);
  }

  clearStats(): void {
    this.#router.clearStats();
  }

  /** Over several turns: instances, and what they track. */
  async dump(): Promise<VrrpDump> {
    const offset = wallClockOffset();
    const instances: VrrpInstanceDump[] = [];
    await inSlices(mapped(this.#router.snapshots(), (snapshot) => instances.push(instanceDump(snapshot, offset))));
    const scripts = this.#router.scripts().map(scriptDump);
    const files = this.#router.trackedFiles().map(fileDump);
    const processes = this.#router.trackedProcesses().map(processDump);
    return { instances, scripts, files, processes };
  }

  /** With groups, and what is on the host. */
  async fullDump(): Promise<VrrpDump> {
    const dump = await this.dump();
    const placed = this.#placed;
    if (placed === undefined) return dump;
    const links: LinkDump[] = [];
    const sources = this.#linkSources();
    await inSlices(mapped(linkDumps(placed, sources), (link) => link && links.push(link)));
    const followed = placed.bfdInstances.filter(({ informs }) => informs !== "checker");
    return {
      ...dump,
      links,
      groups: this.#router.groups().map(groupDump),
      bfds: followed.map((config) => ({ config, up: this.#router.trackedBfd(config.name) === "up" })),
      garpGroups: garpDumps(placed, sources, wallClockOffset()),
      staticEntries: placed.staticEntries,
      staticSet: this.#router.staticAddressesSet(),
      trackGroups: placed.trackers.groups,
    };
  }

  #linkSources(): LinkSources {
    return {
      links: () => this.#network.links(),
      addresses: (index) => this.#network.addresses(index),
      delay: (name) => this.#router.linkDelay(name),
      method: (name) => this.#router.linkMethod(name),
      freeAt: (name, family) => this.#router.garpFreeAt(name, family),
    };
  }

  *statuses(): Generator<InstanceStatus> {
    const offset = wallClockOffset();
    for (const snapshot of this.#router.snapshots()) {
      const master = snapshot.state === "MASTER" ? snapshot.source : snapshot.master?.address;
      const status = instanceStatus(instanceDump(snapshot, offset), master);
      const { guard } = snapshot;
      yield guard === undefined ? status : { ...status, guard: guardStatus(guard, this.#deps.clock.now()) };
    }
  }

  /** Undefined: there is no such instance. */
  stateOf(instance: string): string | undefined {
    return this.#router.snapshotsOf(new Set([instance]))[0]?.state;
  }

  /** `holdfast why NAME` */
  why(name: string): WhyAnswer<WhyDocument> {
    const group = this.#router.groups().find(({ config }) => config.members.includes(name));
    const [snapshot] = this.#router.snapshotsOf(new Set([name]));
    if (snapshot === undefined) {
      const members = this.#router.groups().find(({ config }) => config.name === name)?.config.members;
      return { known: this.#router.names(), ...(members === undefined ? {} : { members }) };
    }
    const others = this.#router.standingsOf(new Set(group?.config.members));
    return whyDocument({ snapshot, group, others, scripts: this.#router.scripts(), now: this.#deps.clock.now() });
  }

  /** One round now and then, so that it delays nothing that is due. */
  #rehearse(rounds: Generator<void>): void {
    this.#deps.clock.after(BETWEEN_ROUNDS, () => {
      if (rounds.next().done !== true) this.#rehearse(rounds);
    });
  }

  #getReady(): void {
    const now = this.#deps.clock.now();
    if (this.#placed === undefined || now - this.#rehearsedAt < REMEMBERED) return;
    this.#rehearsedAt = now;
    rehearse(this.#placed, withoutChanges(this.#network));
  }

  #configure(config: Config): void {
    this.#reporting = reportingPriority(config);
  }

  #onTransition(transition: VrrpTransition): void {
    const { lasting, notifier } = this.#deps;
    const { key, to } = transition;
    lasting.rememberVrrp(key, to === "DELETED" ? "STOP" : to);
    const event = transitionEvent(transition);
    if (event !== undefined) notifier.notify(event);
    this.#deps.onState(transition.instance.name);
  }
}

/** Members of a group begin together, and static entries come first: they may be on any link. */
const needsAll = ({ syncGroups, staticEntries: { addresses, routes, rules } }: Config): boolean =>
  syncGroups.length + addresses.length + routes.length + rules.length > 0;

/** What an instance looks at, or has something on. */
const linksOf = (config: VrrpInstanceConfig): Iterable<string> => [...trackedLinks(config), ...heldLinks(config)];

function* mapped<T>(all: Iterable<T>, use: (one: T) => unknown): Generator<void> {
  for (const one of all) {
    use(one);
    yield;
  }
}

/** Requests and notifications share sockets, and nobody but VRRP listens: changes reach the checkers from here. */
const netlinkBytes = ({ buffers }: VrrpSideDeps): number | undefined =>
  netlinkBufferBytes(buffers.vrrpNetlinkCommand, buffers.vrrpNetlinkMonitor, buffers.lvsNetlinkMonitor);

/** Those that are there, and then those that come or go, as long as the network is there. */
function tellAddresses(network: KernelNetwork, log: Log): void {
  const tell = ({ address, interfaceIndex }: InterfaceAddress, what: "added" | "removed"): void => {
    const on = network.linkAt(interfaceIndex)?.name ?? `interface ${interfaceIndex}`;
    log("info", "network.address", `Netlink reflector reports IP ${address} ${what} on ${on}`, { address, on });
  };
  for (const { index } of network.links()) for (const address of network.addresses(index)) tell(address, "added");
  network.subscribe((change) => {
    if (change.kind === "address") tell(change.address, "added");
    else if (change.kind === "address-gone") tell(change.address, "removed");
  });
}

/** Whether packets may have to be dropped. */
const filters = ({ vrrpInstances }: Config): boolean =>
  vrrpInstances.some(({ accept, virtualInterface }) => !accept || virtualInterface.own !== undefined);

/** The host as it is, on which changes are only put into words that the kernel would understand. */
function withoutChanges(network: KernelNetwork): HostNetwork {
  const writer = new MessageWriter();
  const encode = ({ type, encode: body }: Request, done: (errno: number) => void): void => {
    writer.reset();
    writer.begin(type, 0, 0);
    body(writer);
    writer.end();
    done(0);
  };
  return {
    link: (name) => network.link(name),
    addresses: (interfaceIndex) => network.addresses(interfaceIndex),
    addAddress: (interfaceIndex, address, done) => encode(addAddressRequest(interfaceIndex, address), done),
    deleteAddress: (interfaceIndex, address, done) => encode(deleteAddressRequest(interfaceIndex, address), done),
    subscribe: () => ({ [Symbol.dispose]: () => undefined }),
  };
}

const unprivileged = (cause: unknown): DaemonError =>
  new DaemonError(
    "E_PRIVILEGE",
    "VRRP needs CAP_NET_RAW and CAP_NET_ADMIN, which this user lacks: start as root, or with the systemd unit, which grants them",
    { cause },
  );

/** From boot time, which timers use, to the time of day, which people read. */
const wallClockOffset = (): number => Date.now() - bootTime();
