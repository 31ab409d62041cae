import type { AdvertSocket, AdvertTransport } from "../../../main/vrrp/ports.js";
import { fate } from "./random.js";
import type { WorldClock } from "./world-clock.js";

export interface Weather {
  /** Shares of packets, 0..1. */
  readonly loss: number;
  readonly duplicate: number;
  /** Most that a packet is late, in ms: they may overtake each other. */
  readonly delay: number;
}

export const fair: Weather = { loss: 0, duplicate: 0, delay: 0 };

interface Station {
  readonly router: number;
  /** Of a unicast socket: the last octet of the address that it is bound to. */
  readonly octet: number | undefined;
  readonly onPacket: (packet: Buffer) => void;
}

export interface WireDeps {
  readonly world: WorldClock;
  readonly seed: number;
  readonly latency: number;
  /** Whether the router's interface is up. */
  readonly carrier: (router: number) => boolean;
}

/** The segment that all routers are on: every packet goes to every other station, or not, as the schedule has it. */
export class Wire {
  readonly #deps: WireDeps;
  readonly #stations: Station[] = [];
  readonly #cuts = new Map<number, number>();
  readonly #sent: number[] = [];
  readonly #lastArrival = new Map<number, number>();
  weather: Weather = fair;

  constructor(deps: WireDeps) {
    this.#deps = deps;
  }

  /** Open sockets of a router. */
  stationsOf(router: number): number {
    return this.#stations.filter((s) => s.router === router).length;
  }

  /** One more reason, or one less, why nothing gets from the one to the other. */
  cut(from: number, to: number, more: 1 | -1): void {
    const path = pathOf(from, to);
    this.#cuts.set(path, (this.#cuts.get(path) ?? 0) + more);
  }

  /** The process is gone, and its sockets with it. */
  unplug(router: number): void {
    for (let i = this.#stations.length - 1; i >= 0; i--)
      if (this.#stations[i]?.router === router) this.#stations.splice(i, 1);
  }

  transport(
    router: number,
    onSend: (packet: Uint8Array) => void,
    deliver: (packet: Buffer, isOpen: () => boolean, run: () => void) => void,
  ): AdvertTransport {
    return {
      open: (endpoint, onPacket): AdvertSocket => {
        // What a socket holds is gone when it is closed.
        const isOpen = (): boolean => this.#stations.includes(station);
        const hear = (packet: Buffer): void => deliver(packet, isOpen, () => onPacket(packet, endpoint.address));
        const { kind, address } = endpoint;
        const octet = kind === "unicast" ? Number(address.slice(address.lastIndexOf(".") + 1)) : undefined;
        const station: Station = { router, octet, onPacket: hear };
        this.#stations.push(station);
        return {
          send: (packet) => {
            onSend(packet);
            this.#send(router, Buffer.from(packet));
            return 0;
          },
          [Symbol.dispose]: () => {
            const at = this.#stations.indexOf(station);
            if (at >= 0) this.#stations.splice(at, 1);
          },
        };
      },
    };
  }

  /** A multicast packet of somebody who is not in the schedule. */
  inject(packet: Buffer): void {
    this.#send(STRANGER, packet);
  }

  #send(from: number, packet: Buffer): void {
    const number = this.#sent[from] ?? 0;
    this.#sent[from] = number + 1;
    if (from !== STRANGER && !this.#deps.carrier(from)) return;
    const octet = (packet[16] ?? 0) < MULTICAST ? packet[19] : undefined;
    for (const station of this.#stations) {
      if (station.router === from || station.octet !== octet || (this.#cuts.get(pathOf(from, station.router)) ?? 0) > 0)
        continue;
      this.#carry(from, station, packet, number);
    }
  }

  #carry(from: number, station: Station, packet: Buffer, number: number): void {
    const { seed, latency } = this.#deps;
    const { loss, duplicate, delay } = this.weather;
    const path = pathOf(from, station.router);
    if (loss > 0 && fate(seed, path, number, 1) < loss) return;
    const late = delay > 0 ? fate(seed, path, number, 2) * delay : 0;
    this.#arrive(path, station, packet, latency * fate(seed, path, number, 3) + late, late > 0);
    if (duplicate > 0 && fate(seed, path, number, 4) < duplicate) {
      this.#arrive(path, station, packet, latency + fate(seed, path, number, 5) * delay, true);
    }
  }

  /** On a whole network packets of one sender stay in order. */
  #arrive(path: number, station: Station, packet: Buffer, takes: number, overtakes: boolean): void {
    const { world, carrier } = this.#deps;
    const inOrder = overtakes ? 0 : (this.#lastArrival.get(path) ?? 0);
    const at = Math.max(world.now + takes, inOrder);
    if (!overtakes) this.#lastArrival.set(path, at);
    world.at(at, () => {
      if (carrier(station.router) && this.#stations.includes(station)) station.onPacket(packet);
    });
  }
}

/** First octet of the first multicast address (RFC 5771). */
const MULTICAST = 224;
const STRANGER = 255;

const pathOf = (from: number, to: number): number => from * 256 + to;
