import type { LiveSessionDeps } from "../../main/bfd/live-session.js";
import type { Arrival, BfdTransport, ReaderPlace, SenderPlace } from "../../main/bfd/ports.js";
import { BfdSessions } from "../../main/bfd/sessions.js";
import type { Clock } from "../../main/clock.js";
import type { BfdInstanceConfig } from "../../main/config/model-lvs.js";
import { bytesOfIp } from "../../main/ip-bytes.js";
import type { Log } from "../../main/observe/log.js";
import { ms } from "../../main/units.js";

/** As after `bfd_instance NAME { neighbor_ip ... }`, with 50 ms x 3. */
export function bfdConfig(
  name: string,
  source: string,
  neighbor: string,
  more: Partial<BfdInstanceConfig> = {},
): BfdInstanceConfig {
  return {
    at: { file: "test.conf", line: 1, column: 1 },
    name,
    sourceAddress: source,
    neighborAddress: neighbor,
    minRx: ms(50),
    minTx: ms(50),
    idleTx: ms(1000),
    multiplier: 3,
    passive: false,
    ttl: 255,
    maxHops: 0,
    leastTtl: (more.ttl ?? 255) - (more.maxHops ?? 0),
    multihop: false,
    weight: 0,
    reverse: false,
    informs: "both",
    ...more,
  };
}

/** What was sent: when, by which address, which octets. */
export interface SentPacket {
  readonly at: number;
  readonly from: string;
  readonly bytes: Buffer;
}

type OnDatagram = Parameters<BfdTransport["openReader"]>[1];

/** A wire between hosts, each with one address, that may lose packets. Nothing takes time on it but `delay`. */
export class BfdWire {
  readonly sent: SentPacket[] = [];
  readonly #clock: Clock;
  readonly #delay: number;
  readonly #readers = new Map<string, OnDatagram>();
  /** Of the packet from this address: does it get lost? */
  loses: (from: string) => boolean = () => false;
  /** Errno that sending gives. */
  sendError = 0;

  constructor(clock: Clock, delay = 0.1) {
    this.#clock = clock;
    this.#delay = delay;
  }

  host(
    address: string,
    more: Partial<LiveSessionDeps> = {},
  ): { sessions: BfdSessions; told: string[]; logged: string[] } {
    const told: string[] = [];
    const logged: string[] = [];
    const log: Log = Object.assign((_level: string, _event: string, sentence: string) => void logged.push(sentence), {
      detail: true,
    });
    let next = bytesOfIp(address)[3] ?? 0;
    const sessions = new BfdSessions({
      clock: this.#clock,
      log,
      transport: this.transport(address),
      random: () => 0.5,
      discriminator: () => (next += 256),
      onTell: (name, state) => told.push(`${name} ${state}`),
      ...more,
    });
    return { sessions, told, logged };
  }

  deliver(from: string, to: string, bytes: Buffer, ttl = 255, port = 3784): void {
    const at = (text: string): Buffer => Buffer.concat([Buffer.alloc(16 - bytesOfIp(text).length), bytesOfIp(text)]);
    const room = Buffer.alloc(64);
    bytes.copy(room);
    const arrival: Arrival = { source: at(from), destination: at(to), bytes: room };
    this.#readers.get(`${to} ${port}`)?.(arrival, bytes.length, ttl);
  }

  transport(address: string): BfdTransport {
    return {
      openReader: ({ port }: ReaderPlace, onDatagram) => {
        this.#readers.set(`${address} ${port}`, onDatagram);
        return { filter: () => undefined, [Symbol.dispose]: () => this.#readers.delete(`${address} ${port}`) };
      },
      openSender: ({ remote, port, ttl }: SenderPlace) => ({
        send: (octets) => {
          const bytes = Buffer.from(octets);
          if (this.sendError !== 0) return this.sendError;
          this.sent.push({ at: this.#clock.now(), from: address, bytes });
          if (this.loses(address)) return 0;
          this.#clock.after(ms(this.#delay), () => this.deliver(address, remote, bytes, ttl, port));
          return 0;
        },
        [Symbol.dispose]: () => undefined,
      }),
    };
  }
}
