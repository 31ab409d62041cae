import type { IpAddress } from "../../main/address.js";
import { ms } from "../../main/units.js";
import { sourceOf } from "../../main/vrrp/ip-header.js";
import { decodeAdvert } from "../../main/vrrp/packet.js";
import type { AdvertEndpoint, AdvertSocket, AdvertTransport } from "../../main/vrrp/ports.js";
import { Random } from "./cluster/random.js";
import type { SimClock } from "./sim-clock.js";

interface Station {
  readonly host: string;
  readonly endpoint: AdvertEndpoint;
  readonly onPacket: (packet: Buffer, source: IpAddress) => void;
}

/** One Ethernet segment that delays, loses and parts as a test wants. Random numbers come from a fixed seed. */
export class SimSegment {
  readonly #clock: SimClock;
  readonly #stations = new Set<Station>();
  readonly #cut = new Set<string>();
  readonly #random: Random;
  /** Share of packets that do not arrive, 0..1. */
  loss = 0;
  /** Most that a packet takes, in ms; each takes a random part of it. */
  delay = 0.2;

  constructor(clock: SimClock, seed = 1) {
    this.#clock = clock;
    this.#random = new Random(seed);
  }

  /** Cuts a host off, or plugs it in again. */
  setCut(host: string, cut: boolean): void {
    if (cut) this.#cut.add(host);
    else this.#cut.delete(host);
  }

  transport(
    host: string,
    onSend: (packet: Uint8Array, destination: IpAddress) => void = () => undefined,
  ): AdvertTransport {
    return {
      open: (endpoint, onPacket): AdvertSocket => {
        const station = { host, endpoint, onPacket };
        this.#stations.add(station);
        return {
          send: (packet, destination) => {
            onSend(packet, destination);
            this.#carry(host, Buffer.from(packet), destination);
            return 0;
          },
          [Symbol.dispose]: () => void this.#stations.delete(station),
        };
      },
    };
  }

  /** Puts a packet on the wire that no router of ours sent. */
  inject(packet: Uint8Array): void {
    const decoded = decodeAdvert(packet);
    if (!decoded.ok) throw new RangeError(`cannot inject: ${decoded.problem}`);
    this.#carry("outside", Buffer.from(packet), decoded.advert.destination);
  }

  #carry(from: string, packet: Buffer, destination: IpAddress): void {
    for (const station of this.#stations) {
      if (station.host === from || station.endpoint.address !== destination || this.random() < this.loss) continue;
      this.#clock.after(ms(this.random() * this.delay), () => {
        const parted = this.#cut.has(from) || this.#cut.has(station.host);
        if (!parted && this.#stations.has(station)) station.onPacket(packet, sourceOf(packet));
      });
    }
  }

  random(): number {
    return this.#random.next();
  }
}
