import { NLM_F_ACK, type Verdict } from "./reader.js";
import { MessageWriter } from "./writer.js";

/** Octets of requests per sendmsg: large enough to amortise the call, small enough to bound the time in the kernel. */
export const BATCH_BYTES = 32 * 1024;
/** Refusals are at most some hundred octets, but charged as a whole skb: 768 are below 1 MiB. */
const UNANSWERED_MAX = 768;

/** Requests that were asked for together. */
interface Job {
  readonly count: number;
  readonly write: WriteRequests;
  readonly verdicts: Verdict[];
  /** Counts of requests. */
  sent: number;
  answered: number;
  readonly done: (verdicts: Verdict[]) => void;
}

/** Requests of one job in one sendmsg; their sequence numbers follow one another from `sequence` on. */
export interface Pack {
  readonly job: Job;
  readonly from: number;
  readonly count: number;
  readonly sequence: number;
}

export const SUCCESS: Verdict = { errno: 0, reason: "" };
const SEQUENCE_MAX = 0xffffffff;

/** Numbers requests; 0 is the kernel's own. */
export class Sequence {
  #next = 1;

  /** @returns the first of `count` consecutive numbers */
  take(count: number): number {
    if (this.#next + count > SEQUENCE_MAX) this.#next = 1;
    const first = this.#next;
    this.#next += count;
    return first;
  }
}

/**
 * Writes whole messages: the requests from number `from` on, until `room` of them or BATCH_BYTES are there; their sequence
 * numbers begin with `sequence`. @returns how many
 */
export type WriteRequests = (writer: MessageWriter, from: number, room: number, sequence: number) => number;

/**
 * Packs requests many to a sendmsg. The kernel handles them in order and answers each refused one; only the last of a sendmsg
 * asks for an acknowledgement: when it is answered, those before it that were not refused are done. Every request has its own
 * verdict, at the price of one answer instead of hundreds.
 */
export class RequestPacker {
  readonly #send: (bytes: Buffer) => number;
  readonly #sequence: Sequence;
  readonly #writer = new MessageWriter();
  /** Jobs that are not wholly sent, and what was sent and is not answered; both oldest first. */
  readonly #jobs: Job[] = [];
  readonly #packs: Pack[] = [];
  #unanswered = 0;
  #paused: boolean = false;

  /** `send` returns 0 or a positive errno. */
  constructor(send: (bytes: Buffer) => number, sequence: Sequence) {
    this.#send = send;
    this.#sequence = sequence;
  }

  /** `done` gets one verdict per request, in order, in a later turn (at once for no requests). */
  submit(count: number, write: WriteRequests, done: (verdicts: Verdict[]) => void): void {
    const verdicts = new Array<Verdict>(count).fill(SUCCESS);
    if (count === 0) {
      done(verdicts);
      return;
    }
    this.#jobs.push({ count, write, verdicts, sent: 0, answered: 0, done });
    this.flush();
  }

  /** Nothing is sent until `resume`. @returns what is sent and not answered */
  pause(): readonly Pack[] {
    this.#paused = true;
    return this.sent();
  }

  resume(): void {
    this.#paused = false;
  }

  /** Sends what had to wait for answers. */
  flush(): void {
    if (this.#paused) return;
    for (let job = this.#jobs[0]; job !== undefined && this.#unanswered < UNANSWERED_MAX; job = this.#jobs[0]) {
      this.#sendPack(job);
      if (job.sent === job.count) this.#jobs.shift();
    }
  }

  #sendPack(job: Job): void {
    const from = job.sent;
    const room = Math.min(job.count - from, UNANSWERED_MAX - this.#unanswered);
    const sequence = this.#sequence.take(room);
    this.#writer.reset();
    const count = job.write(this.#writer, from, room, sequence);
    this.#writer.addFlags(NLM_F_ACK);
    job.sent += count;
    const pack: Pack = { job, from, count, sequence };
    this.#packs.push(pack);
    this.#unanswered += count;
    const errno = this.#send(this.#writer.bytes());
    if (errno !== 0) this.#failLater([pack], { errno, reason: "" });
  }

  /** Verdicts are always delivered in a later turn, so that callers need not be re-entrant. */
  #failLater(packs: readonly Pack[], verdict: Verdict): void {
    setImmediate(() => {
      for (const pack of packs) this.#failPack(pack, verdict);
      this.flush();
    });
  }

  #failPack(pack: Pack, verdict: Verdict): void {
    if (!this.#packs.includes(pack)) return; // answered meanwhile, or the connection was closed
    pack.job.verdicts.fill(verdict, pack.from, pack.from + pack.count);
    this.#endPack(pack);
  }

  /** Everything that was asked and not yet answered. */
  failAll(verdict: Verdict): void {
    for (const pack of [...this.#packs]) this.#failPack(pack, verdict);
    for (const job of this.#jobs.splice(0)) {
      job.verdicts.fill(verdict, job.sent);
      job.done(job.verdicts);
    }
  }

  #endPack(pack: Pack): void {
    const at = this.#packs.indexOf(pack);
    if (at < 0) return;
    this.#packs.splice(at, 1);
    this.#unanswered -= pack.count;
    pack.job.answered += pack.count;
    if (pack.job.answered === pack.job.count) pack.job.done(pack.job.verdicts);
  }

  /** The last of a pack is answered after all refusals of the pack: those that were not refused have succeeded. */
  answer(sequence: number, verdict: Verdict): void {
    const pack = this.#packs.find((p) => sequence >= p.sequence && sequence < p.sequence + p.count);
    if (pack === undefined) return;
    const index = sequence - pack.sequence;
    if (verdict.errno !== 0) pack.job.verdicts[pack.from + index] = verdict;
    if (index === pack.count - 1) this.#endPack(pack);
  }

  /** What is sent and not answered. */
  sent(): readonly Pack[] {
    return [...this.#packs];
  }

  /** Of what `sent` told, whatever is not answered by now never will be. */
  lose(packs: readonly Pack[], verdict: Verdict): void {
    for (const pack of packs) this.#failPack(pack, verdict);
    this.flush();
  }

  /** Fails what was sent; what still waits is sent by the next `flush`. */
  failSent(verdict: Verdict): void {
    this.#failLater([...this.#packs], verdict);
  }
}
