import { getSystemErrorName } from "node:util";
import type { Clock } from "../clock.js";
import type { BfdInstanceConfig } from "../config/model-lvs.js";
import { errnoName } from "../errors.js";
import { bytesOfIp } from "../ip-bytes.js";
import type { Log } from "../observe/log.js";
import { type Milliseconds, ms } from "../units.js";
import { unreachable } from "../unreachable.js";
import { decode, diagnosticText, encode, PACKET_BYTES, type Refusal, type StateName } from "./packet.js";
import { type BfdSender, type BfdTransport, portOf } from "./ports.js";
import {
  detectionTime,
  jittered,
  newSession,
  packetOf,
  type Session,
  type SessionEffect,
  type SessionEvent,
  type Settings,
  step,
  txInterval,
} from "./session.js";

/** A source_ip may come later; keepalived looks once a minute. */
const REOPEN = ms(2000);
/** So late a timer was because the thread was away: what came meanwhile is read before silence is found. */
const STALL_MS = 10;
const AFTER_STALL = ms(2);

export interface LiveSessionDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly transport: BfdTransport;
  /** 0 to 1, as Math.random. */
  readonly random: () => number;
  /** Not 0, and not to be guessed. */
  readonly discriminator: () => number;
  readonly onTell: (name: string, state: "up" | "down") => void;
}

export interface SessionSnapshot {
  readonly config: BfdInstanceConfig;
  readonly session: Session;
  /** Boot time of the last change of state. */
  readonly since: Milliseconds;
  /** As those who follow it were told. */
  readonly told: "up" | "down";
  /** How often it came up. */
  readonly ups: number;
  readonly sent: number;
  readonly received: number;
  /** Without jitter; undefined: none is sent, or waited for. */
  readonly txInterval: Milliseconds | undefined;
  readonly detectionTime: Milliseconds | undefined;
}

/** A session in force: its socket, its timers, and the packet that it sends. */
export class LiveSession implements Disposable {
  readonly #deps: LiveSessionDeps;
  readonly discriminator: number;
  readonly neighbor: Buffer;
  readonly source: Buffer | undefined;
  /** Family and port of the socket that hears for it. */
  readonly input: string;
  #config: BfdInstanceConfig;
  #settings: Settings;
  #session: Session;
  #sender: BfdSender | undefined;
  /** What goes out until the next change. */
  readonly #packet = Buffer.alloc(PACKET_BYTES);
  readonly #final = Buffer.alloc(PACKET_BYTES);
  /** A packet that changed nothing: as long as the same comes it is enough to note when. */
  readonly #usual = Buffer.alloc(PACKET_BYTES);
  #heardAt = 0;
  #interval: number | undefined;
  #sending: Disposable | undefined;
  #silenceAt = 0;
  #watching: Disposable | undefined;
  /** The last look was late, and this one is for what came meanwhile: once, or a busy processor would put silence off for ever. */
  #looksAgain = false;
  #reopening: Disposable | undefined;
  #told: "up" | "down" = "down";
  #trouble = "";
  #since: Milliseconds;
  #counts = { ups: 0, sent: 0, received: 0 };
  #closed: boolean = false;

  constructor(config: BfdInstanceConfig, discriminator: number, deps: LiveSessionDeps) {
    this.#deps = deps;
    this.#config = config;
    this.#settings = settingsOf(config);
    this.discriminator = discriminator;
    this.neighbor = bytesOfIp(config.neighborAddress);
    this.source = config.sourceAddress === undefined ? undefined : bytesOfIp(config.sourceAddress);
    this.input = `${this.neighbor.length === 4 ? "inet" : "inet6"} ${portOf(config)}`;
    this.#session = newSession(discriminator, this.#settings);
    this.#since = deps.clock.now();
  }

  start(): void {
    this.#open();
  }

  get config(): BfdInstanceConfig {
    return this.#config;
  }

  get told(): "up" | "down" {
    return this.#told;
  }

  get leastTtl(): number {
    return this.#config.leastTtl;
  }

  /** Between the same addresses and ports: the session goes on. */
  configure(config: BfdInstanceConfig): void {
    const before = this.#config;
    this.#config = config;
    const settings = settingsOf(config);
    const changed = JSON.stringify(settings) !== JSON.stringify(this.#settings);
    this.#settings = settings;
    if (config.ttl !== before.ttl) {
      this.#sender?.[Symbol.dispose]();
      this.#sender = undefined;
      this.#open();
    }
    if (changed) this.#take({ on: "settings" });
  }

  /** A datagram for this session, by its discriminator or its address. @returns why it is dropped */
  hear(bytes: Buffer, length: number): Refusal | undefined {
    if (length === PACKET_BYTES && this.#usual.compare(bytes, 0, PACKET_BYTES) === 0) {
      this.#counts.received += 1;
      this.#heardAt = this.#deps.clock.now();
      return undefined;
    }
    const packet = decode(bytes, length);
    if (typeof packet === "string") return packet;
    const before = this.#session;
    this.#counts.received += 1;
    this.#heardAt = this.#deps.clock.now();
    this.#take({ on: "packet", packet });
    const settled = before === this.#session && !packet.poll && !packet.final && length === PACKET_BYTES;
    if (settled) bytes.copy(this.#usual, 0, 0, PACKET_BYTES);
    return undefined;
  }

  snapshot(): SessionSnapshot {
    const inMs = (time: number | undefined): Milliseconds | undefined =>
      time === undefined ? undefined : ms(time / 1000);
    return {
      config: this.#config,
      session: this.#session,
      since: this.#since,
      told: this.#told,
      ...this.#counts,
      txInterval: inMs(txInterval(this.#settings, this.#session)),
      detectionTime: inMs(detectionTime(this.#session)),
    };
  }

  /** Says that it goes on purpose: whoever follows the other end need not take it for a failure (RFC 5880 §6.8.16). */
  [Symbol.dispose](): void {
    this.#closed = true;
    this.#take({ on: "disable" });
    for (const timer of [this.#sending, this.#watching, this.#reopening]) timer?.[Symbol.dispose]();
    this.#sender?.[Symbol.dispose]();
  }

  #open(): void {
    const { sourceAddress: local, neighborAddress: remote, ttl } = this.#config;
    this.#reopening = undefined;
    try {
      const port = portOf(this.#config);
      this.#sender = this.#deps.transport.openSender({ local, remote, port, ttl });
    } catch (error) {
      const reason = errnoName(error);
      if (reason === undefined) throw error;
      const from = local === undefined ? "" : ` from ${local}`;
      this.#sayTrouble(reason, `no socket${from} to ${remote}: ${reason}`);
      this.#take({ on: "disable" });
      this.#reopening = this.#deps.clock.after(REOPEN, () => this.#open());
      return;
    }
    this.#trouble = "";
    this.#take({ on: "enable" });
  }

  #take(event: SessionEvent): void {
    const before = this.#session;
    const { session, effects } = step(this.#settings, before, event);
    if (session !== before) {
      this.#session = session;
      this.#usual.fill(0);
      encode(packetOf(this.#settings, session, false), this.#packet);
      this.#watch();
      this.#schedule();
    }
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: SessionEffect): void {
    switch (effect.do) {
      case "send":
        if (effect.final) encode(packetOf(this.#settings, this.#session, true), this.#final);
        this.#send(effect.final ? this.#final : this.#packet);
        return;
      case "entered":
        this.#since = this.#deps.clock.now();
        this.#say(effect);
        return;
      case "tell":
        if (this.#closed) return;
        this.#told = effect.state;
        if (effect.state === "up") this.#counts.ups += 1;
        this.#deps.onTell(this.#config.name, effect.state);
        return;
      default:
        unreachable(effect);
    }
  }

  #send(bytes: Buffer): void {
    if (this.#sender === undefined) return;
    const errno = this.#sender.send(bytes);
    this.#counts.sent += 1;
    if (errno === 0) {
      this.#trouble = "";
      return;
    }
    const reason = getSystemErrorName(-errno);
    this.#sayTrouble(reason, `cannot send to ${this.#config.neighborAddress}: ${reason}`);
  }

  /** Once until it is over. */
  #sayTrouble(reason: string, what: string): void {
    if (this.#trouble === reason) return;
    this.#trouble = reason;
    const sentence = `(${this.#config.name}) ${what} - the session stays down until that is put right`;
    this.#deps.log("warning", "bfd.trouble", sentence, { bfd: this.#config.name, reason });
  }

  /** The next periodic packet, when it is to come sooner than planned, or none was planned. */
  #schedule(): void {
    const interval = txInterval(this.#settings, this.#session);
    if (interval === this.#interval) return;
    this.#interval = interval;
    this.#sending?.[Symbol.dispose]();
    this.#sending = undefined;
    if (interval !== undefined) this.#sendSoon();
  }

  /** From now, not from when the last one was due: two packets must not be nearer than jitter allows (RFC 5880 §6.8.7). */
  #sendSoon(): void {
    const pause = ((this.#interval ?? 0) / 1000) * jittered(this.#settings, this.#deps.random());
    this.#sending = this.#deps.clock.after(ms(pause), this.#onSend);
  }

  readonly #onSend = (): void => {
    this.#send(this.#packet);
    this.#sendSoon();
  };

  /** Looks again when silence would have lasted too long: to note when a packet came costs nothing. */
  #watch(): void {
    const time = detectionTime(this.#session);
    if (time === undefined || this.#session.state === "AdminDown") {
      this.#watching?.[Symbol.dispose]();
      this.#watching = undefined;
      return;
    }
    const at = this.#heardAt + time / 1000;
    if (this.#watching !== undefined && this.#silenceAt <= at) return; // it looks early enough, and then again
    this.#watching?.[Symbol.dispose]();
    this.#watchUntil(at);
  }

  #watchUntil(at: number): void {
    this.#silenceAt = at;
    this.#watching = this.#deps.clock.after(ms(Math.max(0, at - this.#deps.clock.now())), this.#onLook);
  }

  readonly #onLook = (): void => {
    const now = this.#deps.clock.now();
    const time = detectionTime(this.#session) ?? 0;
    const at = this.#heardAt + time / 1000;
    const stalled = now - this.#silenceAt > STALL_MS && !this.#looksAgain;
    this.#watching = undefined;
    this.#looksAgain = now >= at && stalled;
    if (now < at || stalled) this.#watchUntil(now < at ? at : now + AFTER_STALL);
    else this.#onSilence(time / 1000, now - at);
  };

  #onSilence(time: number, overdue: number): void {
    const { state } = this.#session;
    if (state === "Up" || state === "Init") {
      const { name } = this.#config;
      const sentence = `(${name}) Expired after ${Math.round(time)} ms (${Math.round(overdue * 1000)} usec overdue)`;
      this.#deps.log("info", "bfd.expired", sentence, { bfd: name });
    }
    this.#take({ on: "silence" });
  }

  #say({
    state,
    diag,
    remoteDiag,
  }: {
    readonly state: StateName;
    readonly diag: number;
    readonly remoteDiag: number;
  }): void {
    const { name } = this.#config;
    const { log } = this.#deps;
    const reasons = `(Local diagnostic - ${diagnosticText(diag)}, Remote diagnostic - ${diagnosticText(remoteDiag)})`;
    const down = state === "Down" && this.#told === "up";
    const sentence = `(${name}) Entering ${words[state]} state${down ? ` ${reasons}` : ""}`;
    if (state === "Up" || state === "AdminDown" || down)
      log(state === "Up" ? "notice" : "warning", "bfd.state", sentence, { bfd: name, state });
    else if (log.detail) log("info", "bfd.state", sentence, { bfd: name, state });
  }
}

const words: Readonly<Record<StateName, string>> = { AdminDown: "AdminDown", Down: "DOWN", Init: "INIT", Up: "UP" };

/** Microseconds, as on the wire. */
function settingsOf({ minTx, minRx, idleTx, multiplier, passive }: BfdInstanceConfig): Settings {
  const inUs = (time: Milliseconds): number => Math.round(time * 1000);
  return { minTx: inUs(minTx), minRx: inUs(minRx), idleTx: inUs(idleTx), multiplier, passive };
}
