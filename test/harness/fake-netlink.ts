import type { OpenSocket } from "../../main/netlink/connection.js";
import { type Message, messages, NLM_F_ACK, NLM_F_DUMP, NLMSG_DONE, NLMSG_ERROR } from "../../main/netlink/reader.js";
import { MessageWriter } from "../../main/netlink/writer.js";
import type { NetlinkHandlers, NetlinkSocket } from "../../native-bindings/netlink.js";

/** What a fake kernel says to one request: an errno, or messages (a reply, or the parts of a dump). */
export type Answer =
  | number
  | readonly { readonly type: number; readonly payload: Uint8Array; readonly flags?: number }[];

const PORT_ID = 4711;

/** A netlink socket whose kernel is a function. Answers arrive in later turns, as the real ones do. */
export class FakeNetlink {
  /** Requests by sendmsg. */
  readonly packs: Message[][] = [];
  readonly #answer: (request: Message) => Answer;
  #handlers: NetlinkHandlers | undefined;
  #closed: boolean = false;
  /** Returned by the next sendmsg instead of sending; 0 = none. */
  refuseSend = 0;
  /** Answers are kept until `deliver`. */
  hold: boolean = false;
  readonly #held: (() => void)[] = [];

  constructor(answer: (request: Message) => Answer = () => 0) {
    this.#answer = answer;
  }

  readonly open: OpenSocket = (_protocol, _bytes, handlers): NetlinkSocket => {
    this.#handlers = handlers;
    const close = (): void => {
      this.#closed = true;
    };
    return {
      portId: PORT_ID,
      send: (bytes) => this.#send(bytes),
      aside: (steps, done) =>
        void setImmediate(() => done(steps.map((step) => (step instanceof Uint8Array ? this.#send(step) : 0)))),
      join: () => undefined,
      close,
      [Symbol.dispose]: close,
    };
  };

  deliver(): void {
    this.hold = false;
    for (const datagram of this.#held.splice(0)) datagram();
  }

  /** As a receive buffer that overflowed while nobody read: held answers are lost. */
  drop(): void {
    this.hold = false;
    this.#held.splice(0);
  }

  /** As recvmsg failing with `errno`. */
  fail(errno: number): void {
    this.#handlers?.onError(errno);
  }

  /** A datagram that nobody asked for. */
  push(datagram: Buffer): void {
    this.#handlers?.onDatagram(datagram);
  }

  #send(bytes: Uint8Array): number {
    if (this.refuseSend !== 0) return this.refuseSend;
    const requests = [...messages(Buffer.from(bytes))];
    this.packs.push(requests);
    for (const request of requests) this.#handle(request);
    return 0;
  }

  #handle(request: Message): void {
    const answer = this.#answer(request);
    const isDump = (request.flags & NLM_F_DUMP) === NLM_F_DUMP;
    if (typeof answer !== "number") {
      for (const { type, payload, flags = 0 } of answer) this.#reply(request, type, payload, flags);
      if (isDump) this.#reply(request, NLMSG_DONE, Buffer.alloc(4));
    }
    const errno = typeof answer === "number" ? answer : 0;
    const acknowledge = (request.flags & NLM_F_ACK) !== 0 && !isDump;
    if (errno !== 0 || acknowledge) this.#reply(request, NLMSG_ERROR, errorPayload(errno));
  }

  #reply(request: Message, type: number, payload: Uint8Array, flags = 0): void {
    const writer = new MessageWriter();
    writer.begin(type, flags, request.sequence);
    writer.header(payload);
    writer.end();
    const datagram = Buffer.from(writer.bytes());
    datagram.writeUInt32LE(PORT_ID, 12);
    const deliver = (): void => {
      if (!this.#closed) this.#handlers?.onDatagram(datagram);
    };
    if (this.hold) this.#held.push(deliver);
    else setImmediate(deliver);
  }
}

/** struct nlmsgerr: errno negated, then the header of the request. */
function errorPayload(errno: number): Buffer {
  const payload = Buffer.alloc(20);
  payload.writeInt32LE(-errno, 0);
  return payload;
}
