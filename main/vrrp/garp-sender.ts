import { type Family, familyOf, type IpAddress } from "../address.js";
import type { Clock } from "../clock.js";
import type { Log } from "../observe/log.js";
import { type Milliseconds, ms } from "../units.js";
import { gratuitousArp, neighbourAdvertisement } from "./announcement.js";
import { Deadline } from "./deadline.js";
import { emptyQueue, enqueue, type GarpQueue, take, withdraw } from "./garp.js";
import type { HostNetwork, Link, SendFrame } from "./ports.js";
import { errnoText } from "./system-error.js";

const ETHERNET_ADDRESS = 6;

interface Lane {
  queue: GarpQueue;
  readonly wake: Deadline;
  link: Link;
  readonly family: Family;
}

const names = { inet: "gratuitous ARP", inet6: "unsolicited NA" } as const satisfies Record<Family, string>;

export interface GarpSenderDeps {
  readonly clock: Clock;
  readonly network: HostNetwork;
  readonly sendFrame: SendFrame;
  readonly forwardsIpv6?: (interfaceName: string) => boolean;
  readonly log: Log;
}

/**
 * Sends gratuitous ARPs and unsolicited neighbour adverts for all instances, with vrrp_garp_interval and vrrp_gna_interval
 * between two of a kind on the same interface.
 */
export class GarpSender implements Disposable {
  readonly #deps: GarpSenderDeps;
  readonly #lanes = new Map<string, Lane>();
  #gaps: Readonly<Record<Family, Milliseconds>> = { inet: ms(0), inet6: ms(0) };

  constructor(deps: GarpSenderDeps) {
    this.#deps = deps;
  }

  /** vrrp_garp_interval and vrrp_gna_interval; 0: no limit. */
  setGaps(gaps: Readonly<Record<Family, Milliseconds>>): void {
    this.#gaps = gaps;
  }

  /** Like `arping -U -c <rounds> -I <interface> <address>`; without a limit all frames are out when this returns. */
  announce(owner: string, interfaceName: string, addresses: readonly IpAddress[], rounds: number): void {
    const link = this.#deps.network.link(interfaceName);
    if (link === undefined || link.noArp || link.mac.length !== ETHERNET_ADDRESS || rounds === 0) return;
    for (const family of ["inet", "inet6"] as const) {
      const own = addresses.filter((address) => familyOf(address) === family);
      if (own.length === 0) continue;
      const lane = this.#lane(link, family);
      lane.queue = enqueue(
        lane.queue,
        own.map((address) => ({ owner, address, rounds })),
      );
      this.#serve(lane);
    }
  }

  withdraw(owner: string): void {
    for (const lane of this.#lanes.values()) {
      lane.queue = withdraw(lane.queue, owner);
      if (lane.queue.pending.length === 0) lane.wake.disarm();
    }
  }

  #lane(link: Link, family: Family): Lane {
    const key = `${link.index} ${family}`;
    const known = this.#lanes.get(key);
    if (known !== undefined) {
      known.link = link; // its hardware address may have changed
      return known;
    }
    const wake = new Deadline(this.#deps.clock, () => this.#serve(lane));
    const lane: Lane = { queue: emptyQueue, link, family, wake };
    this.#lanes.set(key, lane);
    return lane;
  }

  #serve(lane: Lane): void {
    const { link, family } = lane;
    const taken = take(lane.queue, this.#gaps[family], this.#deps.clock.now());
    lane.queue = taken.queue;
    const router = family === "inet6" && taken.send.length > 0 && this.#deps.forwardsIpv6?.(link.name) === true;
    for (const address of taken.send) {
      const frame =
        family === "inet" ? gratuitousArp(link.mac, address) : neighbourAdvertisement(link.mac, address, router);
      const errno = this.#deps.sendFrame(link.index, frame);
      if (errno !== 0) this.#report(lane, address, errno);
    }
    if (taken.wakeAt === undefined) lane.wake.disarm();
    else lane.wake.arm(taken.wakeAt);
  }

  #report({ link, family }: Lane, address: IpAddress, errno: number): void {
    const sentence = `Error sending ${names[family]} on ${link.name} for ${address} - ${errnoText(errno)}`;
    this.#deps.log("info", "vrrp.garp-failed", sentence, { interface: link.name, address, errno });
  }

  [Symbol.dispose](): void {
    for (const lane of this.#lanes.values()) lane.wake.disarm();
    this.#lanes.clear();
  }
}
