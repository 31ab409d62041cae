import { type NetlinkSocket, openNetlink } from "../../native-bindings/netlink.js";
import {
  type Message,
  messages,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  type Verdict,
  verdictOf,
} from "./reader.js";
import { MessageWriter } from "./writer.js";

/** One request of a batch: `encode` writes family header and attributes. */
export interface Request {
  readonly type: number;
  /** Besides NLM_F_REQUEST | NLM_F_ACK, which are always set. */
  readonly flags?: number;
  readonly encode: (writer: MessageWriter) => void;
}

export interface ConnectionEvents {
  /** Messages that answer no request of ours: multicast notifications. */
  readonly onNotification?: (message: Message) => void;
  /** Notifications were lost (ENOBUFS), or the stream cannot be parsed: read everything again. */
  readonly onLost?: (why: string) => void;
}

/** Octets of requests per sendmsg: large enough to amortise the call, small enough to bound the time in the kernel. */
const BATCH_BYTES = 32 * 1024;
/** Acknowledgements are at most 36 octets (NETLINK_CAP_ACK), but charged as a whole skb: 768 are below 1 MiB. */
const UNACKNOWLEDGED_MAX = 768;
const ENOBUFS = 105;

interface Dump {
  readonly parts: Message[];
  readonly resolve: (result: DumpResult) => void;
  interrupted: boolean;
}

export interface DumpResult {
  readonly verdict: Verdict;
  readonly parts: readonly Message[];
  /** NLM_F_DUMP_INTR: the table changed under the dump, it may lack or repeat entries. */
  readonly interrupted: boolean;
}

/**
 * Requests and answers over one netlink socket. Requests are packed many to a sendmsg; each is acknowledged or refused on
 * its own, and its verdict comes back to whoever asked. The kernel has handled a request when `request` returns.
 */
export class NetlinkConnection implements Disposable {
  readonly #socket: NetlinkSocket;
  readonly #events: ConnectionEvents;
  readonly #writer = new MessageWriter();
  readonly #waiting = new Map<number, (verdict: Verdict) => void>();
  readonly #dumps = new Map<number, Dump>();
  readonly #queued: { readonly request: Request; readonly done: (verdict: Verdict) => void }[] = [];
  #nextSequence = 1;

  constructor(protocol: number, events: ConnectionEvents = {}, receiveBufferBytes = 4 * 1024 * 1024) {
    this.#events = events;
    this.#socket = openNetlink(protocol, receiveBufferBytes, {
      onDatagram: (bytes) => this.#onDatagram(bytes),
      onError: (errno) => this.#onError(errno),
    });
  }

  join(group: number): void {
    this.#socket.join(group);
  }

  /** Sends at once (unless very many are unanswered). `done` is called once, in a later turn of the loop. */
  request(request: Request, done: (verdict: Verdict) => void): void {
    this.#queued.push({ request, done });
    this.#flush();
  }

  /** Sends all, in order, and resolves with one verdict per request, in the same order. */
  batch(requests: readonly Request[]): Promise<Verdict[]> {
    if (requests.length === 0) return Promise.resolve([]);
    return new Promise((resolve) => {
      const verdicts: Verdict[] = new Array<Verdict>(requests.length);
      let missing = requests.length;
      requests.forEach((request, i) => {
        this.#queued.push({
          request,
          done: (verdict) => {
            verdicts[i] = verdict;
            missing -= 1;
            if (missing === 0) resolve(verdicts);
          },
        });
      });
      this.#flush();
    });
  }

  dump(type: number, encode: (writer: MessageWriter) => void): Promise<DumpResult> {
    return new Promise((resolve) => {
      const sequence = this.#sequence();
      this.#writer.reset();
      this.#writer.begin(type, NLM_F_REQUEST | NLM_F_DUMP, sequence);
      encode(this.#writer);
      this.#writer.end();
      this.#dumps.set(sequence, { parts: [], resolve, interrupted: false });
      const errno = this.#socket.send(this.#writer.bytes());
      if (errno !== 0) this.#endDump(sequence, { errno, reason: "" });
    });
  }

  close(): void {
    this.#socket.close();
    const gone: Verdict = { errno: 9, reason: "the netlink socket was closed" };
    for (const done of [...this.#waiting.values(), ...this.#queued.splice(0).map((q) => q.done)]) done(gone);
    this.#waiting.clear();
    for (const sequence of [...this.#dumps.keys()]) this.#endDump(sequence, gone);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #sequence(): number {
    const sequence = this.#nextSequence;
    this.#nextSequence = sequence >= 0xffffffff ? 1 : sequence + 1;
    return sequence;
  }

  #flush(): void {
    while (this.#queued.length > 0 && this.#waiting.size < UNACKNOWLEDGED_MAX) {
      this.#writer.reset();
      const sent: number[] = [];
      let taken = 0;
      for (const { request, done } of this.#queued) {
        if (this.#writer.length >= BATCH_BYTES || this.#waiting.size >= UNACKNOWLEDGED_MAX) break;
        const sequence = this.#sequence();
        this.#writer.begin(request.type, NLM_F_REQUEST | NLM_F_ACK | (request.flags ?? 0), sequence);
        request.encode(this.#writer);
        this.#writer.end();
        this.#waiting.set(sequence, done);
        sent.push(sequence);
        taken += 1;
      }
      this.#queued.splice(0, taken);
      const errno = this.#socket.send(this.#writer.bytes());
      if (errno !== 0) this.#fail(sent, { errno, reason: "" });
    }
  }

  /** Verdicts are always delivered in a later turn, so that callers need not be re-entrant. */
  #fail(sequences: readonly number[], verdict: Verdict): void {
    queueMicrotask(() => {
      for (const sequence of sequences) this.#answer(sequence, verdict);
    });
  }

  #answer(sequence: number, verdict: Verdict): boolean {
    const done = this.#waiting.get(sequence);
    if (done === undefined) return false;
    this.#waiting.delete(sequence);
    done(verdict);
    return true;
  }

  #onDatagram(datagram: Buffer): void {
    try {
      for (const message of messages(datagram)) this.#onMessage(message);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#events.onLost?.(error.message);
    }
    this.#flush();
  }

  #onMessage(message: Message): void {
    const ours = message.portId === this.#socket.portId;
    const dump = ours ? this.#dumps.get(message.sequence) : undefined;
    if (message.type === NLMSG_ERROR || message.type === NLMSG_DONE) {
      if (dump === undefined) this.#answer(message.sequence, verdictOf(message));
      else this.#endDump(message.sequence, verdictOf(message));
    } else if (dump === undefined) {
      this.#events.onNotification?.(message);
    } else {
      if ((message.flags & NLM_F_DUMP_INTR) !== 0) dump.interrupted = true;
      dump.parts.push(message);
    }
  }

  #endDump(sequence: number, verdict: Verdict): void {
    const dump = this.#dumps.get(sequence);
    if (dump === undefined) return;
    this.#dumps.delete(sequence);
    dump.resolve({ verdict, parts: dump.parts, interrupted: dump.interrupted });
  }

  /** With ENOBUFS answers may be lost too: whoever waits hears of it instead of waiting for ever. */
  #onError(errno: number): void {
    const waiting = [...this.#waiting.keys()];
    for (const sequence of [...this.#dumps.keys()]) this.#endDump(sequence, { errno, reason: "the answer was lost" });
    this.#fail(waiting, { errno, reason: "the answer was lost" });
    this.#events.onLost?.(errno === ENOBUFS ? "the socket's receive buffer overflowed" : `receive error ${errno}`);
  }
}
