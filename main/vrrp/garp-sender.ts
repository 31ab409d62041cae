import { type Family, familyOf, type IpAddress } from "../address.js";
import type { Clock } from "../clock.js";
import type { GarpGroupConfig } from "../config/model-vrrp.js";
import type { Log } from "../observe/log.js";
import { type Milliseconds, ms } from "../units.js";
import { gratuitousArp, neighbourAdvertisement } from "./announcement.js";
import { Deadline } from "./deadline.js";
import { type Announced, emptyQueue, enqueue, type GarpQueue, take, withdraw } from "./garp.js";
import type { HostNetwork, Link, SendFrame } from "./ports.js";
import { errnoText } from "./system-error.js";

const ETHERNET_ADDRESS = 6;
const FEW_LANES = 64;

/** What waits together: for one physical interface, or for those of a garp_group. */
interface Lane {
  queue: GarpQueue;
  gap: Milliseconds;
  readonly wake: Deadline;
  readonly family: Family;
}

const names = { inet: "gratuitous ARP", inet6: "unsolicited NA" } as const satisfies Record<Family, string>;

export type GarpGaps = Readonly<Record<Family, Milliseconds>>;

export interface GarpSenderDeps {
  readonly clock: Clock;
  readonly network: HostNetwork;
  readonly sendFrame: SendFrame;
  readonly forwardsIpv6?: (interfaceName: string) => boolean;
  readonly log: Log;
}

/**
 * Sends gratuitous ARPs and unsolicited neighbour adverts for all instances, with vrrp_garp_interval and vrrp_gna_interval
 * between two of a kind on the same physical interface, or those of a garp_group between two on any of its interfaces.
 */
export class GarpSender implements Disposable {
  readonly #deps: GarpSenderDeps;
  readonly #lanes = new Map<string, Lane>();
  /** With so many lanes those that wait for nothing are given up. */
  #sweepAt = FEW_LANES;
  #gaps: GarpGaps = { inet: ms(0), inet6: ms(0) };
  #groups: readonly GarpGroupConfig[] = [];

  constructor(deps: GarpSenderDeps) {
    this.#deps = deps;
  }

  /** @param gaps vrrp_garp_interval and vrrp_gna_interval, of interfaces without a group; 0: no limit */
  configure(gaps: GarpGaps, groups: readonly GarpGroupConfig[]): void {
    this.#gaps = gaps;
    this.#groups = groups;
  }

  /** Like `arping -U -c <rounds> -I <interface> <address>`; without a limit all frames are out when this returns. */
  announce(owner: string, interfaceName: string, addresses: readonly IpAddress[], rounds: number): void {
    const link = this.#deps.network.link(interfaceName);
    if (link === undefined || !carries(link) || rounds === 0) return;
    for (const family of ["inet", "inet6"] as const) {
      const own = addresses.filter((address) => familyOf(address) === family);
      if (own.length === 0) continue;
      const lane = this.#lane(link, family);
      lane.queue = enqueue(
        lane.queue,
        own.map((address) => ({ owner, on: interfaceName, address, rounds })),
      );
      this.#serve(lane);
    }
  }

  /** Lanes that are kept, with something to send or not. */
  get lanes(): number {
    return this.#lanes.size;
  }

  withdraw(owner: string): void {
    for (const lane of this.#lanes.values()) {
      lane.queue = withdraw(lane.queue, owner);
      if (lane.queue.pending.length === 0) lane.wake.disarm();
    }
  }

  /** When the next announcement may go on that interface; 0: none has gone yet. */
  freeAt(interfaceName: string, family: Family): Milliseconds {
    const link = this.#deps.network.link(interfaceName);
    const lane = link && this.#lanes.get(this.#place(link, family).key);
    return lane?.queue.freeAt ?? ms(0);
  }

  #place(link: Link, family: Family): { readonly key: string; readonly group: GarpGroupConfig | undefined } {
    const physical = physicalIndex(link);
    const group = this.#groups.find(({ interfaces }) =>
      interfaces.some((name) => this.#deps.network.link(name)?.index === physical),
    );
    return { group, key: `${group === undefined ? physical : `group ${group.interfaces.join()}`} ${family}` };
  }

  #lane(link: Link, family: Family): Lane {
    const { key, group } = this.#place(link, family);
    const gap = group === undefined ? this.#gaps[family] : group[family === "inet" ? "garpInterval" : "gnaInterval"];
    const known = this.#lanes.get(key);
    if (known !== undefined) {
      known.gap = gap; // of the configuration of today
      return known;
    }
    if (this.#lanes.size >= this.#sweepAt) this.#sweep();
    const wake = new Deadline(this.#deps.clock, () => this.#serve(lane));
    const lane: Lane = { queue: emptyQueue, gap, family, wake };
    this.#lanes.set(key, lane);
    return lane;
  }

  /** Lanes of links that are gone: a VMAC that is made again has another index each time. */
  #sweep(): void {
    const now = this.#deps.clock.now();
    for (const [key, { queue }] of this.#lanes)
      if (queue.pending.length === 0 && queue.freeAt <= now) this.#lanes.delete(key);
    this.#sweepAt = Math.max(FEW_LANES, 2 * this.#lanes.size);
  }

  #serve(lane: Lane): void {
    const taken = take(lane.queue, lane.gap, this.#deps.clock.now());
    lane.queue = taken.queue;
    for (const one of taken.send) this.#send(one, lane.family);
    if (taken.wakeAt === undefined) lane.wake.disarm();
    else lane.wake.arm(taken.wakeAt);
  }

  /** With the hardware address of this moment: the link may be another one by now. */
  #send({ on, address }: Announced, family: Family): void {
    const link = this.#deps.network.link(on);
    if (link === undefined || !carries(link)) return;
    const frame =
      family === "inet"
        ? gratuitousArp(link.mac, address)
        : neighbourAdvertisement(link.mac, address, this.#deps.forwardsIpv6?.(on) === true);
    const errno = this.#deps.sendFrame(link.index, frame);
    if (errno === 0) return;
    const sentence = `Error sending ${names[family]} on ${on} for ${address} - ${errnoText(errno)}`;
    this.#deps.log("info", "vrrp.garp-failed", sentence, { interface: on, address, errno });
  }

  [Symbol.dispose](): void {
    for (const lane of this.#lanes.values()) lane.wake.disarm();
    this.#lanes.clear();
  }
}

/** Nothing is announced on tunnels and the like. */
const carries = ({ noArp, mac }: Link): boolean => !noArp && mac.length === ETHERNET_ADDRESS;

/** A VMAC shares the cable of the interface below it. */
function physicalIndex({ index, details }: Link): number {
  const isVirtual = details?.kind === "macvlan" || details?.kind === "ipvlan";
  return isVirtual ? (details.lower ?? index) : index;
}
