import { randomInt } from "node:crypto";
import type { Family, IpAddress } from "../address.js";
import type { HeartbeatConfig } from "../config/model-guard.js";
import { type Milliseconds, ms } from "../units.js";
import type { PeerState, PeerView } from "./guard.js";
import { decodeHeartbeat, encodeHeartbeat, type Heartbeat } from "./heartbeat-message.js";
import { compareIp } from "./ip-order.js";

/** What we say of ourselves. */
export interface Told {
  readonly state: PeerState;
  readonly priority: number;
  readonly preempts: boolean;
}

/** Who one of an instance's heartbeats is about. */
export interface Channel {
  readonly family: Family;
  readonly vrid: number;
}

/** A peer that was not heard for so many intervals is silent. */
const SILENT = 3;
/** Answers within one interval, whoever asks: a flood of questions gets no flood of answers. */
const MOST_ANSWERS = 8;
/** Sessions are numbers that a double holds. */
const MOST_SESSION = 2 ** 47;

/** Random, and never 0. */
export const newSession = (): number => randomInt(1, MOST_SESSION);

/**
 * One second path to one peer. What a peer says is believed when it repeats a message of ours from this very session, later than
 * any it repeated before: so neither messages of an earlier life of the peer, nor old ones of this, can be played again.
 */
export class HeartbeatLink {
  readonly #config: HeartbeatConfig;
  readonly #channel: Channel;
  readonly #session: number;
  readonly #now: () => Milliseconds;
  readonly #send: (bytes: Buffer) => void;
  readonly #since: Milliseconds;
  #told: Told = { state: "INIT", priority: 0, preempts: false };
  #number = 0;
  /** Number of the first message with what is told now. */
  #toldNumber = 0;
  #peer: { readonly beat: Heartbeat; readonly at: Milliseconds } | undefined;
  #answers = 0;
  #answersSince: Milliseconds = ms(0);
  /** Messages that were not believed. */
  rejected = 0;
  lastRejected: string | undefined;

  constructor(
    config: HeartbeatConfig,
    channel: Channel,
    session: number,
    deps: { readonly now: () => Milliseconds; readonly send: (bytes: Buffer) => void },
  ) {
    this.#config = config;
    this.#channel = channel;
    this.#session = session;
    this.#now = deps.now;
    this.#send = deps.send;
    this.#since = deps.now();
  }

  get interval(): Milliseconds {
    return this.#config.interval;
  }

  get peer(): IpAddress {
    return this.#config.peer;
  }

  /** When it was last heard; undefined: never. */
  get heardAt(): Milliseconds | undefined {
    return this.#peer?.at;
  }

  /** What is new goes out at once. */
  tell(told: Told): void {
    const { state, priority, preempts } = this.#told;
    if (told.state === state && told.priority === priority && told.preempts === preempts) return;
    this.#told = told;
    this.#toldNumber = this.#number + 1;
    this.beat();
  }

  /** The regular message. It asks for an answer until the peer knows what we are. */
  beat(): void {
    this.#emit(this.#peer?.beat.session ?? 0, this.#peer?.beat.number ?? 0);
  }

  /** @returns whether it changed what is known of the peer */
  receive(bytes: Buffer): boolean {
    const { local, peer, key } = this.#config;
    const beat = decodeHeartbeat(bytes, { from: peer, to: local }, key);
    if (typeof beat === "string") return this.#reject(beat);
    if (beat.family !== this.#channel.family || beat.vrid !== this.#channel.vrid) return this.#reject("channel");
    if (beat.session === this.#session) return this.#reject("own");
    const problem = this.#disbelief(beat);
    const met = problem === undefined && this.#peer?.beat.session !== beat.session; // it waits to be believed, too
    if (problem === undefined) this.#peer = { beat, at: this.#now() };
    else if (problem !== "greeting") return this.#reject(problem);
    if (beat.asks || met) this.#answer(beat);
    return problem === undefined;
  }

  view(): PeerView {
    const { local, peer, interval } = this.#config;
    const heardAt = this.#peer?.at;
    const silentAt = ms((heardAt ?? this.#since) + SILENT * interval);
    const quiet = silentAt <= this.#now();
    const { state = "INIT", priority = 0, preempts = false } = this.#peer?.beat ?? {};
    return {
      address: peer,
      standing: quiet ? "silent" : heardAt === undefined ? "unheard" : "heard",
      silentAt,
      state,
      priority,
      preempts,
      order: compareIp(peer, local) > 0 ? 1 : -1,
      acknowledged: this.#told.state === "CANDIDATE" && this.#acknowledged(),
    };
  }

  #acknowledged(): boolean {
    return this.#peer !== undefined && this.#peer.beat.heardNumber >= this.#toldNumber;
  }

  /** `greeting`: it has not heard of us, or of this session yet. It gets an answer, but is not believed. */
  #disbelief(beat: Heartbeat): "greeting" | "old" | undefined {
    const known = this.#peer?.beat;
    const repeatsOurs = beat.heardSession === this.#session && beat.heardNumber <= this.#number;
    if (known !== undefined && known.session === beat.session) {
      if (beat.number <= known.number) return "old";
      return repeatsOurs && beat.heardNumber >= known.heardNumber ? undefined : "old";
    }
    if (!repeatsOurs) return "greeting";
    return known === undefined || beat.heardNumber > known.heardNumber ? undefined : "old";
  }

  #reject(why: string): false {
    this.rejected++;
    this.lastRejected = why;
    return false;
  }

  #answer({ session, number }: Heartbeat): void {
    const now = this.#now();
    if (now - this.#answersSince >= this.#config.interval) {
      this.#answersSince = now;
      this.#answers = 0;
    }
    if (this.#answers++ < MOST_ANSWERS) this.#emit(session, number);
  }

  #emit(heardSession: number, heardNumber: number): void {
    this.#number++;
    const { local, peer, key } = this.#config;
    const asks = !this.#acknowledged();
    const own = { ...this.#channel, ...this.#told, asks, session: this.#session, number: this.#number };
    this.#send(encodeHeartbeat({ ...own, heardSession, heardNumber }, { from: local, to: peer }, key));
  }
}
