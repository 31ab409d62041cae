import { setImmediate as nextImmediate } from "node:timers/promises";
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
  NLMSG_NOOP,
  type Verdict,
  verdictOf,
} from "./reader.js";
import { BATCH_BYTES, RequestPacker, Sequence, SUCCESS, type WriteRequests } from "./request-packer.js";
import { MessageWriter } from "./writer.js";

/** One request of a batch: `encode` writes family header and attributes. */
export interface Request {
  readonly type: number;
  /** Besides NLM_F_REQUEST and NLM_F_ACK, which are set here. */
  readonly flags?: number;
  readonly encode: (writer: MessageWriter) => void;
}

export interface ConnectionEvents {
  /** Messages that answer no request of ours: multicast notifications. */
  readonly onNotification?: (message: Message) => void;
  /** Notifications were lost (ENOBUFS), or the stream cannot be parsed: read everything again. */
  readonly onLost?: (why: string) => void;
}

/** Opens the socket underneath; tests bring a kernel of their own. */
export type OpenSocket = typeof openNetlink;

const EBADF = 9;
const ENOBUFS = 105;

/** A request whose answer is messages: a dump, or a question. */
interface Exchange {
  readonly onPart: (message: Message) => void;
  readonly resolve: (end: DumpEnd) => void;
  interrupted: boolean;
}

export interface DumpEnd {
  readonly verdict: Verdict;
  /** NLM_F_DUMP_INTR: the table changed under the dump, it may lack or repeat entries. */
  readonly interrupted: boolean;
}

export interface DumpResult extends DumpEnd {
  readonly parts: readonly Message[];
}

/**
 * Requests and answers over one netlink socket. Requests are packed many to a sendmsg; each is done or refused on its own,
 * and its verdict comes back to whoever asked. The kernel has handled a request when `request` returns.
 */
export class NetlinkConnection implements Disposable {
  readonly #socket: NetlinkSocket;
  readonly #events: ConnectionEvents;
  readonly #writer = new MessageWriter();
  readonly #sequence = new Sequence();
  readonly #packer = new RequestPacker((bytes) => this.#send(bytes), this.#sequence);
  readonly #exchanges = new Map<number, Exchange>();
  /** Dumps that wait: a socket can run only one at a time (netlink_dump_start answers EBUSY). */
  readonly #waitingDumps: (() => void)[] = [];
  #dumping: boolean = false;
  #closed: boolean = false;
  #datagrams = 0;
  /** Until it resolves nothing is sent. */
  #draining: Promise<void> | undefined;

  constructor(
    protocol: number,
    events: ConnectionEvents = {},
    receiveBufferBytes = 4 * 1024 * 1024,
    open: OpenSocket = openNetlink,
  ) {
    this.#events = events;
    this.#socket = open(protocol, receiveBufferBytes, {
      onDatagram: (bytes) => this.#onDatagram(bytes),
      onError: (errno) => this.#onError(errno),
    });
  }

  /** What notifications of changes that were asked for here carry as their cause. */
  get portId(): number {
    return this.#socket.portId;
  }

  join(group: number): void {
    this.#socket.join(group);
  }

  /** Sends at once (unless very many are unanswered). `done` is called once, in a later turn of the loop. */
  request(request: Request, done: (verdict: Verdict) => void): void {
    if (request.type === NLMSG_NOOP) {
      void this.#probe(request).then(done);
      return;
    }
    this.#packer.submit(1, writeRequests([request]), (verdicts) => done(verdicts[0] ?? SUCCESS));
  }

  /** Sends all, in order, and resolves with one verdict per request, in the same order. */
  batch(requests: readonly Request[]): Promise<Verdict[]> {
    return new Promise((resolve) => this.#packer.submit(requests.length, writeRequests(requests), resolve));
  }

  /** As `batch`, for many requests of one type: `bodyOf` gives what follows struct nlmsghdr, until it is called again. */
  batchOf<T>(type: number, items: readonly T[], bodyOf: (item: T) => Uint8Array): Promise<Verdict[]> {
    const write: WriteRequests = (writer, from, room, sequence) => {
      const end = Math.min(from + room, items.length);
      let at = from;
      for (; at < end && writer.length < BATCH_BYTES; at++)
        writer.message(type, NLM_F_REQUEST, sequence + at - from, bodyOf(items[at] as T));
      return at - from;
    };
    return new Promise((resolve) => this.#packer.submit(items.length, write, resolve));
  }

  /** One request that is answered by messages (a `doit` with reply, not a dump). */
  async query(request: Request): Promise<DumpResult> {
    const parts: Message[] = [];
    const flags = NLM_F_REQUEST | NLM_F_ACK | (request.flags ?? 0);
    const end = await this.#exchange(request.type, flags, request.encode, (part) => parts.push(part));
    return { ...end, parts };
  }

  /** All messages of a dump together. */
  async dump(type: number, encode: (writer: MessageWriter) => void): Promise<DumpResult> {
    const parts: Message[] = [];
    const end = await this.dumpEach(type, encode, (part) => parts.push(part));
    return { ...end, parts };
  }

  /**
   * Each message of a dump as it comes: a large table is read over many turns of the loop. A RangeError of `onPart` is
   * reported as `onLost`. Dumps asked for meanwhile wait their turn.
   */
  async dumpEach(
    type: number,
    encode: (writer: MessageWriter) => void,
    onPart: (message: Message) => void,
  ): Promise<DumpEnd> {
    if (this.#dumping) await new Promise<void>((resolve) => this.#waitingDumps.push(resolve));
    this.#dumping = true;
    try {
      return await this.#exchange(type, NLM_F_REQUEST | NLM_F_DUMP, encode, onPart);
    } finally {
      const next = this.#waitingDumps.shift();
      if (next === undefined) this.#dumping = false;
      else next();
    }
  }

  /**
   * A no-op does not wait in line: it is asked when answers were dropped, and then the line may never move again. Answers come
   * in order, so what was sent before it and is not answered yet gets none any more.
   */
  async #probe(request: Request): Promise<Verdict> {
    const before = this.#packer.sent();
    const { verdict } = await this.#exchange(request.type, NLM_F_REQUEST | NLM_F_ACK, request.encode, () => undefined);
    if (verdict.errno === 0) this.#packer.lose(before, { errno: ENOBUFS, reason: "the answer was lost" });
    return verdict;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
    const gone: Verdict = { errno: EBADF, reason: "the netlink socket was closed" };
    this.#packer.failAll(gone);
    for (const sequence of [...this.#exchanges.keys()]) this.#endExchange(sequence, gone);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #exchange(
    type: number,
    flags: number,
    encode: (writer: MessageWriter) => void,
    onPart: (message: Message) => void,
  ): Promise<DumpEnd> {
    if (this.#draining !== undefined) await this.#draining;
    return new Promise((resolve) => {
      const sequence = this.#sequence.take(1);
      this.#exchanges.set(sequence, { onPart, resolve, interrupted: false });
      this.#writer.reset();
      this.#writer.begin(type, flags, sequence);
      encode(this.#writer);
      this.#writer.end();
      const errno = this.#send(this.#writer.bytes());
      if (errno !== 0) this.#endExchange(sequence, { errno, reason: "" });
    });
  }

  #send(bytes: Buffer): number {
    return this.#closed ? EBADF : this.#socket.send(bytes);
  }

  #onDatagram(datagram: Buffer): void {
    this.#datagrams += 1;
    try {
      for (const message of messages(datagram)) this.#onMessage(message);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#events.onLost?.(error.message);
    }
    this.#packer.flush();
  }

  #onMessage(message: Message): void {
    const exchange = message.portId === this.#socket.portId ? this.#exchanges.get(message.sequence) : undefined;
    if (message.type === NLMSG_ERROR || message.type === NLMSG_DONE) {
      if (exchange === undefined) this.#packer.answer(message.sequence, verdictOf(message));
      else this.#endExchange(message.sequence, verdictOf(message));
    } else if (exchange === undefined) {
      this.#events.onNotification?.(message);
    } else {
      if ((message.flags & NLM_F_DUMP_INTR) !== 0) exchange.interrupted = true;
      exchange.onPart(message);
    }
  }

  #endExchange(sequence: number, verdict: Verdict): void {
    const exchange = this.#exchanges.get(sequence);
    if (exchange === undefined) return;
    this.#exchanges.delete(sequence);
    exchange.resolve({ verdict, interrupted: exchange.interrupted });
  }

  /** With ENOBUFS answers may be lost too: whoever waits hears of it instead of waiting for ever. */
  #onError(errno: number): void {
    const lost: Verdict = { errno, reason: "the answer was lost" };
    for (const sequence of [...this.#exchanges.keys()]) this.#endExchange(sequence, lost);
    if (errno === ENOBUFS) this.#draining ??= this.#drain(lost);
    else this.#packer.failSent(lost);
    this.#events.onLost?.(errno === ENOBUFS ? "the socket's receive buffer overflowed" : `receive error ${errno}`);
  }

  /**
   * As long as something is queued after an overflow, the kernel drops every answer, and says so no second time (netlink_overrun of
   * net/netlink/af_netlink.c): what is sent then is never answered. Between one setImmediate and the next the loop reads what is there.
   */
  async #drain(lost: Verdict): Promise<void> {
    const packs = this.#packer.pause();
    for (let turns = 0, before = -1; before !== this.#datagrams && turns < MOST_DRAINING_TURNS; turns++) {
      before = this.#datagrams;
      await nextImmediate();
      await nextImmediate();
    }
    this.#draining = undefined;
    this.#packer.resume();
    this.#packer.lose(packs, lost);
  }
}

/** Notifications may come without end; what is queued in 4 MiB is read before that. */
const MOST_DRAINING_TURNS = 1000;

const writeRequests =
  (requests: readonly Request[]): WriteRequests =>
  (writer, from, room, sequence) => {
    let count = 0;
    for (const { type, flags = 0, encode } of requests.slice(from, from + room)) {
      if (writer.length >= BATCH_BYTES) break;
      writer.begin(type, NLM_F_REQUEST | flags, sequence + count);
      encode(writer);
      writer.end();
      count += 1;
    }
    return count;
  };
