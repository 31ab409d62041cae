import type { IpAddress } from "../address.js";
import { isAfter, type Sequence, secondsOf } from "./hmac-trailer.js";

/**
 * Numbers that must not be signed with twice, for a daemon that starts after a crash. `reserve` is called now and then, with a
 * number that leaves room for many adverts.
 */
export interface SequenceStore {
  /** 0: nothing is known. */
  floor(what: SequenceKind): number;
  reserve(what: SequenceKind, upTo: number): void;
}

/** `ah`: sequence numbers of authentication headers. `hmac`: seconds, and only while they are ahead of the clock. */
export type SequenceKind = "ah" | "hmac";

/** Adverts, and seconds, that one reservation lasts for. */
const RESERVED_AHEAD = 1024;

/** What one instance has to remember of the adverts that it sent and heard, to sign and judge the next ones. */
export class WireState {
  /** Sequence number of the authentication header: one for what is sent and what was heard, whoever sent it. */
  ah = 0;
  /** Of auth_hmac: what was sent last. */
  hmac: Sequence | undefined;
  readonly marks = new ReplayMarks();
  /** Unicast peers leave our address out of their checksums, as keepalived before 1.3.7 did. */
  oldChecksum: boolean = false;
  readonly #store: SequenceStore | undefined;
  /** What is sent is above it. What is heard need not be: it is further on than anybody was. */
  #ahFloor: number;
  readonly #reserved: Record<SequenceKind, number> = { ah: 0, hmac: 0 };

  constructor(store?: SequenceStore) {
    this.#store = store;
    this.#ahFloor = store?.floor("ah") ?? 0;
    const seconds = store?.floor("hmac") ?? 0;
    this.hmac = seconds > 0 ? BigInt(seconds) << 32n : undefined;
  }

  /** The number of the next advert with an authentication header. Starts again before it would go round. */
  nextAh(): number {
    const last = Math.max(this.ah, this.#ahFloor);
    this.ah = last >= LAST_AH ? 1 : last + 1;
    if (last >= LAST_AH) this.#reserved.ah = 0;
    this.#ahFloor = 0;
    this.#keepAh();
    return this.ah;
  }

  heardAh(sequence: number): void {
    this.ah = sequence;
    this.#keepAh();
  }

  #keepAh(): void {
    if (this.ah >= this.#reserved.ah) this.#reserve("ah", Math.min(this.ah + RESERVED_AHEAD, LAST_AH));
  }

  /** @param clock what the clock says: in a restarted daemon it says more, unless it was set back */
  sentHmac(sequence: Sequence, clock: Sequence): void {
    this.hmac = sequence;
    const seconds = secondsOf(sequence);
    if (seconds > secondsOf(clock) && seconds >= this.#reserved.hmac) this.#reserve("hmac", seconds + RESERVED_AHEAD);
  }

  #reserve(what: SequenceKind, upTo: number): void {
    this.#reserved[what] = upTo;
    this.#store?.reserve(what, upTo);
  }
}

/** RFC 4302 §3.3.2: a sequence number must not go round; keepalived starts again from here on. */
const LAST_AH = 0xfffffffd;

/** Most senders that are kept in mind: a segment has few routers of one VRID, and a flood of sources must not grow it. */
const MOST_SENDERS = 4;

/** The last number that was accepted of each sender, the least recently heard one forgotten first. */
export class ReplayMarks {
  readonly #marks = new Map<IpAddress, Sequence>();

  /** @param window seconds; a mark that is further away than this from `now` says nothing any more. Undefined: it always does */
  isReplay(source: IpAddress, sequence: Sequence, now: number, window: number | undefined): boolean {
    const mark = this.#marks.get(source);
    if (mark === undefined) return false;
    if (window !== undefined && Math.abs(secondsOf(mark) - now) > window) return false;
    return !isAfter(sequence, mark);
  }

  /** @param most senders; unicast instances have one for each peer */
  accept(source: IpAddress, sequence: Sequence, most: number): void {
    this.#marks.delete(source);
    this.#marks.set(source, sequence);
    if (this.#marks.size <= Math.max(most, MOST_SENDERS)) return;
    const [oldest] = this.#marks.keys();
    if (oldest !== undefined) this.#marks.delete(oldest);
  }
}
