import { isDeepStrictEqual } from "node:util";
import type { Family, IpAddress } from "../address.js";
import type { Clock } from "../clock.js";
import type { Config, VrrpInstanceConfig } from "../config/model.js";
import type { Log } from "../observe/log.js";
import type { Milliseconds } from "../units.js";
import { unreachable } from "../unreachable.js";
import { Endpoints } from "./endpoints.js";
import { GarpSender } from "./garp-sender.js";
import { Instance } from "./instance.js";
import { instanceKeys } from "./instance-key.js";
import type { InstanceDeps, Resumption, VrrpTransition } from "./instance-types.js";
import type { AdvertTransport, HostNetwork, Link, NetworkChange, ScriptRunner, SendFrame } from "./ports.js";
import { ScriptMonitor, type ScriptSnapshot } from "./script-monitor.js";
import type { VrrpSnapshot } from "./snapshot.js";
import { trackedLinks } from "./tracking.js";
import { Verdicts } from "./verdicts.js";

export interface VrrpDeps {
  readonly clock: Clock;
  readonly network: HostNetwork;
  readonly transport: AdvertTransport;
  readonly sendFrame: SendFrame;
  /** Whether this host forwards IPv6 on an interface: its neighbour adverts say so (RFC 4861 §4.4). Absent: no. */
  readonly forwardsIpv6?: (interfaceName: string) => boolean;
  /** Milliseconds since 1970, for auth_hmac. Default: the system's. */
  readonly wallClock?: () => number;
  readonly scripts: ScriptRunner;
  readonly log: Log;
  readonly onTransition: (event: VrrpTransition) => void;
  /** Every advert but farewells, for the state that outlives a crash. `bootMs` is `Clock.now`. */
  readonly onAdvertSent?: (key: string, bootMs: Milliseconds) => void;
  /** What the daemon before this one was, asked once per instance at its start. */
  readonly resume: (key: string) => Resumption | undefined;
}

interface Entry {
  config: VrrpInstanceConfig;
  readonly instance: Instance;
}

/** All virtual routers of the daemon: sockets, timers and the host's events, around the pure reducer. */
export class VrrpRouter {
  readonly #deps: VrrpDeps;
  readonly #entries = new Map<string, Entry>();
  readonly #verdicts = new Verdicts();
  readonly #garp: GarpSender;
  readonly #scripts: ScriptMonitor;
  readonly #instanceDeps: InstanceDeps;
  readonly #linkUp = new Map<string, boolean>();
  #virtual: ReadonlySet<IpAddress> = new Set();
  #groups: Groups | undefined;
  #subscription: Disposable | undefined;

  constructor(deps: VrrpDeps) {
    this.#deps = deps;
    this.#garp = new GarpSender(deps);
    this.#scripts = new ScriptMonitor({ ...deps, onEdge: (name) => this.#onScriptEdge(name) });
    this.#instanceDeps = {
      clock: deps.clock,
      network: deps.network,
      endpoints: new Endpoints(deps),
      garp: this.#garp,
      verdicts: this.#verdicts,
      log: deps.log,
      wallClock: deps.wallClock ?? Date.now,
      script: (name) => this.#scripts.standing(name),
      virtualAddresses: () => this.#virtual,
      onTransition: deps.onTransition,
      onAdvertSent: deps.onAdvertSent,
    };
  }

  /** Starts every instance: as MASTER where the daemon before left one, as RFC 5798 §6.4.1 says otherwise. */
  start(config: Config): void {
    this.#subscription = this.#deps.network.subscribe((change) => this.#onChange(change));
    this.#apply(config);
  }

  /** Applies the difference to the running configuration; what did not change is not touched. */
  reload(config: Config): void {
    this.#apply(config);
  }

  /**
   * Stops every instance. With `release`, masters say good-bye and their addresses are removed; without, the next
   * daemon finds everything in place. Resolves when the kernel has answered every request.
   */
  async stop(options: { readonly release: boolean }): Promise<void> {
    this.#subscription?.[Symbol.dispose]();
    this.#scripts[Symbol.dispose]();
    for (const { instance } of this.#entries.values()) instance.stop(options.release, "STOP");
    this.#entries.clear();
    this.#garp[Symbol.dispose]();
    await this.#verdicts.settled();
  }

  snapshot(): readonly VrrpSnapshot[] {
    return [...this.#entries.values()].map(({ instance }) => instance.snapshot());
  }

  scripts(): readonly ScriptSnapshot[] {
    return this.#scripts.snapshot();
  }

  clearStats(): void {
    for (const { instance } of this.#entries.values()) instance.clearCounters();
  }

  #apply(config: Config): void {
    const wanted = instanceKeys(config.vrrpInstances);
    const groups = groupsOf(config);
    const moved = this.#groups;
    this.#groups = groups;
    this.#virtual = virtualAddresses(config);
    this.#garp.setGaps({ inet: config.global.vrrpGarpInterval, inet6: config.global.vrrpGnaInterval });
    for (const [key, { instance }] of this.#entries) if (!wanted.has(key)) this.#remove(key, instance);
    this.#scripts.update(config.vrrpScripts);
    for (const [key, next] of wanted) {
      const entry = this.#entries.get(key);
      const group = next.wire.group ?? groups[next.family];
      const groupMoved = moved !== undefined && moved[next.family] !== groups[next.family];
      if (entry === undefined) this.#add(key, next, group);
      else if (groupMoved || !sameInstance(entry.config, next)) entry.instance.reconfigure(next, group);
      else entry.instance.refresh();
      if (entry !== undefined) entry.config = next;
    }
  }

  #add(key: string, config: VrrpInstanceConfig, group: IpAddress): void {
    for (const name of trackedLinks(config)) this.#linkUp.set(name, this.#deps.network.link(name)?.running === true);
    const instance = new Instance(key, config, group, this.#instanceDeps);
    const others = [...this.#entries.values()].map((e) => e.instance);
    this.#entries.set(key, { config, instance });
    instance.start(this.#deps.resume(key), (address) => others.some((other) => other.holds(address)));
  }

  #remove(key: string, instance: Instance): void {
    instance.stop(true, "FAULT");
    this.#entries.delete(key);
  }

  #onScriptEdge(name: string): void {
    for (const { config, instance } of this.#entries.values()) {
      if (config.trackScripts.some((t) => t.name === name)) instance.refresh();
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
        this.#refreshOn(change.address.interfaceIndex);
        break;
      case "address-gone":
        for (const { instance } of this.#entries.values()) instance.addressGone(change.address);
        this.#refreshOn(change.address.interfaceIndex);
        break;
      default:
        unreachable(change);
    }
  }

  #onLink(name: string, link: Link | undefined): void {
    const concerned = [...this.#entries.values()].filter((e) => trackedLinks(e.config).has(name));
    if (concerned.length === 0) return;
    const up = link?.running === true;
    if (this.#linkUp.get(name) !== up) {
      const sentence = `Netlink reports ${name} ${up ? "up" : "down"}`;
      this.#deps.log("info", "vrrp.link", sentence, { interface: name, up });
    }
    this.#linkUp.set(name, up);
    for (const { instance } of concerned) instance.refresh();
  }

  /** Addresses matter to instances that take their source address from that interface. */
  #refreshOn(interfaceIndex: number): void {
    for (const { config, instance } of this.#entries.values()) {
      if (this.#deps.network.link(config.interface)?.index === interfaceIndex) instance.refresh();
    }
  }
}

/** Where adverts go, unless an instance says otherwise. */
type Groups = Readonly<Record<Family, IpAddress>>;

const groupsOf = ({ global }: Config): Groups => ({
  inet: global.vrrpMcastGroup4,
  inet6: global.instanceDefaults.mcastGroup6,
});

/** Where a block stands in the file changes nothing. */
function sameInstance(a: VrrpInstanceConfig, b: VrrpInstanceConfig): boolean {
  return a === b || isDeepStrictEqual({ ...a, at: undefined }, { ...b, at: undefined });
}

function virtualAddresses(config: Config): ReadonlySet<IpAddress> {
  const instances = config.vrrpInstances.flatMap((i) => [...i.virtualAddresses, ...i.excludedAddresses]);
  return new Set(instances.map((a) => a.address));
}
