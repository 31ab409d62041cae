import { bootTime } from "../../native-bindings/timer.js";
import type { Clock } from "../clock.js";
import type { Config, VrrpInstanceConfig } from "../config/model.js";
import { DaemonError, errnoName } from "../errors.js";
import type { Request } from "../netlink/connection.js";
import { MessageWriter } from "../netlink/writer.js";
import type { KernelEntries } from "../network/host-entries.js";
import type { KernelNetwork } from "../network/host-network.js";
import { ipv6Forwarding } from "../network/ipv6-forwarding.js";
import { openHostEntries, openHostNetwork, openPacketFilter } from "../network/open.js";
import type { PacketFilter } from "../network/packet-filter.js";
import { type FrameSender, openFrameSender } from "../network/packet-sender.js";
import { addAddressRequest, deleteAddressRequest } from "../network/rtnetlink.js";
import { joiningVmacs } from "../network/virtual-link-plan.js";
import { VirtualLinks } from "../network/virtual-links.js";
import type { Notifier } from "../notify/notifier.js";
import type { Log } from "../observe/log.js";
import type { VrrpDump } from "../observe/vrrp-dump.js";
import { ms } from "../units.js";
import type { VrrpTransition } from "../vrrp/instance-types.js";
import type { HostNetwork, ScriptRunner } from "../vrrp/ports.js";
import { ProcessThread } from "../vrrp/process-thread.js";
import { RawTransport } from "../vrrp/raw-transport.js";
import { rehearsal } from "../vrrp/rehearsal.js";
import { VrrpRouter } from "../vrrp/router.js";
import { DiskTrackFiles } from "../vrrp/track-file-host.js";
import type { LastingState } from "./lasting-state.js";
import type { InstanceStatus } from "./status.js";
import { instanceStatus } from "./status-view.js";
import { noticeEvent, reportingPriority, stateEvents, transitionEvent } from "./vrrp-notices.js";
import { fileDump, groupDumps, instanceDump, processDump, scriptDump } from "./vrrp-view.js";
import type { WhySource } from "./why.js";
import { whyDocument } from "./why-report.js";

const BETWEEN_ROUNDS = ms(25);
/** Virtual links that come within this time. */
const TOGETHER = ms(100);

export interface VrrpSideDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly scripts: ScriptRunner;
  readonly notifier: Notifier;
  readonly lasting: LastingState;
  /** Runs what starts a thread; see Scheduling. */
  readonly unpinned: <T>(start: () => T) => T;
}

/** VRRP with what it needs of this host: links and addresses, raw sockets, frames, scripts. */
export class VrrpSide {
  readonly #deps: VrrpSideDeps;
  readonly #network: KernelNetwork;
  readonly #entries: KernelEntries;
  readonly #links: VirtualLinks;
  readonly #filter: PacketFilter;
  readonly #frames: FrameSender;
  readonly #router: VrrpRouter;
  /** Names of instances whose changes of priority are told. */
  #reporting: ReadonlySet<string> = new Set();
  #config: Config | undefined;
  /** As the router has it: with the names of virtual links. */
  #placed: Config | undefined;
  #redirecting: Disposable | undefined;

  private constructor(deps: VrrpSideDeps, network: KernelNetwork, frames: FrameSender) {
    this.#deps = deps;
    this.#network = network;
    this.#entries = openHostEntries(network, deps.log);
    this.#links = new VirtualLinks(network, deps.clock, deps.log, () => this.#redirectSoon());
    this.#filter = openPacketFilter(network, deps.log);
    this.#frames = frames;
    this.#router = new VrrpRouter({
      clock: deps.clock,
      network,
      entries: this.#entries,
      filter: this.#filter,
      transport: new RawTransport(deps.log),
      sendFrame: (interfaceIndex, frame) => frames.send(interfaceIndex, frame),
      forwardsIpv6: ipv6Forwarding(deps.clock),
      scripts: deps.scripts,
      trackFiles: new DiskTrackFiles(deps.clock),
      processes: new ProcessThread(deps.clock, deps.unpinned),
      log: deps.log,
      onTransition: (event) => this.#onTransition(event),
      onGroupTransition: ({ group: { name, notify, smtpAlert }, to: state }) =>
        deps.notifier.notify({ kind: "group", name, state, notify, smtpAlert }),
      onNotice: (notice) => {
        const event = noticeEvent(notice, this.#reporting);
        if (event !== undefined) deps.notifier.notify(event);
      },
      onAdvertSent: (key, at) => deps.lasting.rememberAdvert(key, at),
      resume: (key) => deps.lasting.resumption(key),
    });
  }

  /** @throws DaemonError E_NETLINK; E_PRIVILEGE when the sockets cannot be had */
  static async open(deps: VrrpSideDeps): Promise<VrrpSide> {
    const network = await openHostNetwork(deps.log, deps.clock);
    try {
      return new VrrpSide(deps, network, openFrameSender());
    } catch (cause) {
      network[Symbol.dispose]();
      throw errnoName(cause) === "EPERM" ? unprivileged(cause) : cause;
    }
  }

  async start(config: Config): Promise<void> {
    this.#configure(config);
    const placed = await this.#place(config);
    this.#router.start(placed);
    this.#rehearse(rehearsal(placed, withoutChanges(this.#network)));
  }

  async reload(config: Config): Promise<void> {
    this.#configure(config);
    this.#router.reload(await this.#place(config));
    await this.#links.prune();
    if (!config.global.fifos.statesOnReload) return;
    for (const event of stateEvents(config, this.#router.snapshot())) this.#deps.notifier.notify(event);
  }

  /** What a daemon that died has left of instances that changed since. */
  releaseLeft(left: readonly VrrpInstanceConfig[]): void {
    this.#router.releaseLeft(left);
  }

  async #place(config: Config): Promise<Config> {
    this.#filter.configure(config.global);
    this.#placed = await this.#links.apply(config);
    this.#redirectIgmp();
    return this.#placed;
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
    if (release) {
      await this.#filter.remove();
      await this.#links.remove();
    }
    this.#filter[Symbol.dispose]();
    this.#links[Symbol.dispose]();
    this.#entries[Symbol.dispose]();
    this.#network[Symbol.dispose]();
    this.#frames[Symbol.dispose]();
  }

  clearStats(): void {
    this.#router.clearStats();
  }

  dump(): VrrpDump {
    const offset = wallClockOffset();
    const snapshots = this.#router.snapshot();
    const instances = snapshots.map((snapshot) => instanceDump(snapshot, offset));
    const scripts = this.#router.scripts().map(scriptDump);
    const files = this.#router.trackedFiles().map(fileDump);
    const processes = this.#router.trackedProcesses().map(processDump);
    if (this.#config === undefined) return { instances, scripts, files, processes };
    const { syncGroups, staticEntries } = this.#config;
    return { instances, scripts, files, processes, groups: groupDumps(syncGroups, snapshots), staticEntries };
  }

  *statuses(): Generator<InstanceStatus> {
    const offset = wallClockOffset();
    for (const snapshot of this.#router.snapshot()) {
      const master = snapshot.state === "MASTER" ? snapshot.source : snapshot.master?.address;
      yield instanceStatus(instanceDump(snapshot, offset), master);
    }
  }

  /** `holdfast why NAME` */
  why(name: string): ReturnType<WhySource> {
    const group = this.#router.groups().find(({ config }) => config.members.includes(name));
    const found = this.#router.snapshotsOf(new Set([name, ...(group?.config.members ?? [])]));
    const snapshot = found.find(({ config }) => config.name === name);
    if (snapshot === undefined) return { known: this.#router.names() };
    const others = found.filter((other) => other !== snapshot);
    return whyDocument({ snapshot, group, others, scripts: this.#router.scripts(), now: this.#deps.clock.now() });
  }

  /** One round now and then, so that it delays nothing that is due. */
  #rehearse(rounds: Generator<void>): void {
    this.#deps.clock.after(BETWEEN_ROUNDS, () => {
      if (rounds.next().done !== true) this.#rehearse(rounds);
    });
  }

  #configure(config: Config): void {
    this.#config = config;
    this.#reporting = reportingPriority(config);
  }

  #onTransition(transition: VrrpTransition): void {
    const { lasting, notifier } = this.#deps;
    const { key, to } = transition;
    lasting.rememberVrrp(key, to === "DELETED" ? "STOP" : to);
    const event = transitionEvent(transition);
    if (event !== undefined) notifier.notify(event);
  }
}

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
