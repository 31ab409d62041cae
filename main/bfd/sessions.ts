import type { BfdInstanceConfig } from "../config/model-lvs.js";
import { errnoName } from "../errors.js";
import { groupBy } from "../group-by.js";
import { ms } from "../units.js";
import { LiveSession, type LiveSessionDeps, type SessionSnapshot } from "./live-session.js";
import { PACKET_BYTES } from "./packet.js";
import { packetFilter } from "./packet-filter.js";
import { type Arrival, type BfdReader, portOf } from "./ports.js";

/** Packets for nobody are told of with -D, once in this time. */
const REFUSALS_EVERY = ms(10_000);
const REOPEN = ms(5000);
const IPV4_AT = 12;

/** All sessions of this host, and the sockets on which packets for them come: one for each family and port. */
export class BfdSessions {
  readonly #deps: LiveSessionDeps;
  readonly #byName = new Map<string, LiveSession>();
  readonly #byDiscriminator = new Map<number, LiveSession>();
  readonly #inputs = new Map<string, Input>();
  #refused = 0;
  #telling: Disposable | undefined;
  #reopening: Disposable | undefined;

  constructor(deps: LiveSessionDeps) {
    this.#deps = deps;
  }

  /** Sessions between the same two ends go on, whatever else of them changed. Of those that are gone nothing is told. */
  update(configs: readonly BfdInstanceConfig[]): void {
    const wanted = new Map(configs.map((config) => [config.name, config]));
    for (const [name, live] of this.#byName) {
      const config = wanted.get(name);
      if (config !== undefined && endsOf(config) === endsOf(live.config)) continue;
      live[Symbol.dispose]();
      this.#byName.delete(name);
      this.#byDiscriminator.delete(live.discriminator);
    }
    const fresh: LiveSession[] = [];
    for (const config of configs) {
      const live = this.#byName.get(config.name);
      if (live === undefined) fresh.push(this.#add(config));
      else if (live.config !== config) live.configure(config);
    }
    this.#listen();
    for (const live of fresh) live.start(); // it is heard by then
  }

  *snapshots(): Generator<SessionSnapshot> {
    for (const live of this.#byName.values()) yield live.snapshot();
  }

  /** As those who follow it were told; a session that does not exist is down. */
  state(name: string): "up" | "down" {
    return this.#byName.get(name)?.told ?? "down";
  }

  stop(): void {
    for (const live of this.#byName.values()) live[Symbol.dispose]();
    this.#byName.clear();
    this.#byDiscriminator.clear();
    this.#listen();
    this.#telling?.[Symbol.dispose]();
  }

  #add(config: BfdInstanceConfig): LiveSession {
    let discriminator: number;
    do discriminator = this.#deps.discriminator();
    while (this.#byDiscriminator.has(discriminator));
    const live = new LiveSession(config, discriminator, this.#deps);
    this.#byName.set(config.name, live);
    this.#byDiscriminator.set(discriminator, live);
    return live;
  }

  #listen(): void {
    this.#reopening?.[Symbol.dispose]();
    this.#reopening = undefined;
    const groups = groupBy(this.#byName.values(), ({ input }) => input);
    for (const [key, input] of this.#inputs)
      if (!groups.has(key)) {
        input.reader[Symbol.dispose]();
        this.#inputs.delete(key);
      }
    for (const [key, sessions] of groups) this.#listenFor(key, sessions);
  }

  #listenFor(key: string, sessions: readonly LiveSession[]): void {
    const input = this.#inputs.get(key) ?? this.#open(key, sessions);
    if (input === undefined) return;
    input.sessions = sessions;
    const program = packetFilter({
      ipv6: input.ipv6,
      leastTtl: Math.min(...sessions.map(({ leastTtl }) => leastTtl)),
      discriminators: sessions.map(({ discriminator }) => discriminator),
      neighbors: sessions.map(({ neighbor }) => neighbor),
    });
    input.reader.filter(program);
  }

  #open(key: string, sessions: readonly LiveSession[]): Input | undefined {
    const [first] = sessions;
    if (first === undefined) return undefined;
    const [ipv6, port] = [isIpv6(first), portOf(first.config)];
    try {
      const reader = this.#deps.transport.openReader({ ipv6, port }, (...datagram) => this.#hear(input, ...datagram));
      const input: Input = { key, reader, ipv6, sessions };
      this.#inputs.set(key, input);
      return input;
    } catch (error) {
      const reason = errnoName(error);
      if (reason === undefined) throw error;
      const hint =
        reason === "EADDRINUSE" ? "another BFD daemon has it: see ss -ulnp" : "see the limits of this service";
      const sentence = `Cannot open UDP port ${port} for BFD: ${reason} - ${hint}; trying again every ${REOPEN / 1000} s`;
      this.#deps.log("error", "bfd.no-port", sentence, { port, reason });
      this.#reopening ??= this.#deps.clock.after(REOPEN, () => this.#listen());
      return undefined;
    }
  }

  /** By discriminator, else by addresses (RFC 5880 §6.8.6, RFC 5881 §3). */
  #hear(input: Input, arrival: Arrival, length: number, ttl: number): void {
    const { bytes } = arrival;
    const discriminator = length < PACKET_BYTES ? 0 : bytes.readUInt32BE(8);
    const live =
      discriminator === 0
        ? input.sessions.find((session) => isBetween(session, arrival))
        : this.#byDiscriminator.get(discriminator);
    const refusal = this.#hand(live?.input === input.key ? live : undefined, bytes, length, ttl);
    if (refusal !== undefined) this.#refuse(refusal);
  }

  /** @returns why it is dropped */
  #hand(live: LiveSession | undefined, bytes: Buffer, length: number, ttl: number): string | undefined {
    if (live === undefined) return "no session";
    return ttl < live.leastTtl ? "ttl" : live.hear(bytes, length);
  }

  /** Whoever sends nonsense must not fill the log. */
  #refuse(why: string): void {
    this.#refused += 1;
    if (!this.#deps.log.detail || this.#telling !== undefined) return;
    this.#deps.log("info", "bfd.refused", `BFD packet dropped (${why}), ${this.#refused} of all kinds until now`);
    this.#telling = this.#deps.clock.after(REFUSALS_EVERY, () => {
      this.#telling = undefined;
    });
  }
}

interface Input {
  readonly key: string;
  readonly reader: BfdReader;
  readonly ipv6: boolean;
  sessions: readonly LiveSession[];
}

const isIpv6 = ({ neighbor }: LiveSession): boolean => neighbor.length === 16;

/** Another end is another session. */
const endsOf = ({ neighborAddress, sourceAddress, multihop }: BfdInstanceConfig): string =>
  `${neighborAddress} ${sourceAddress ?? "any"} ${multihop}`;

function isBetween({ neighbor, source }: LiveSession, arrival: Arrival): boolean {
  return isAddress(neighbor, arrival.source) && (source === undefined || isAddress(source, arrival.destination));
}

/** @param there 16 octets, IPv4 in the last four */
const isAddress = (address: Buffer, there: Uint8Array): boolean =>
  address.compare(there, address.length === 4 ? IPV4_AT : 0) === 0;
