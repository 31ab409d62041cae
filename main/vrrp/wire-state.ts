import type { IpAddress } from "../address.js";
import { isAfter, type Sequence, secondsOf } from "./hmac-trailer.js";

/** What one instance has to remember of the adverts that it sent and heard, to sign and judge the next ones. */
export class WireState {
  /** Sequence number of the authentication header: one for what is sent and what was heard, whoever sent it. */
  ah = 0;
  /** Of auth_hmac: what was sent last. */
  hmac: Sequence | undefined;
  readonly marks = new ReplayMarks();
  /** Unicast peers leave our address out of their checksums, as keepalived before 1.3.7 did. */
  oldChecksum: boolean = false;

  /** The number of the next advert with an authentication header. Starts again before it would go round. */
  nextAh(): number {
    this.ah = this.ah >= LAST_AH ? 1 : this.ah + 1;
    return this.ah;
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
