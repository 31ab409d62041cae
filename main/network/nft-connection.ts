import { type NetlinkSocket, openNetlink } from "../../native-bindings/netlink.js";
import { messages, NLMSG_ERROR, type Verdict, verdictOf } from "../netlink/reader.js";
import { MessageWriter } from "../netlink/writer.js";
import { NETLINK_NETFILTER, type NftChange, writeTransaction } from "./nft-codec.js";

const RECEIVE_BYTES = 256 * 1024;

/** Transactions of nftables: the kernel has carried one out (or refused it whole) when `commit` returns. */
export class NftConnection implements Disposable {
  readonly #socket: NetlinkSocket;
  readonly #writer = new MessageWriter(8 * 1024);
  readonly #waiting = new Map<number, (verdict: Verdict) => void>();
  #sequence = 0;

  /** @throws system error (EPROTONOSUPPORT where the kernel has no netfilter) */
  constructor() {
    this.#socket = openNetlink(NETLINK_NETFILTER, RECEIVE_BYTES, {
      onDatagram: (bytes) => this.#onDatagram(bytes),
      onError: (errno) => this.#failAll({ errno, reason: "the answer was lost" }),
    });
  }

  /** `done` is called once, in a later turn. */
  commit(changes: readonly NftChange[], done: (verdict: Verdict) => void): void {
    this.#sequence += 1;
    const sequence = this.#sequence;
    this.#writer.reset();
    writeTransaction(this.#writer, changes, sequence);
    this.#waiting.set(sequence, done);
    const errno = this.#socket.send(this.#writer.bytes());
    if (errno !== 0) setImmediate(() => this.#answer(sequence, { errno, reason: "" }));
  }

  [Symbol.dispose](): void {
    this.#socket.close();
    this.#failAll({ errno: 0, reason: "" });
  }

  /** The refusal of one change comes before the acknowledgement of the last: the first word about a transaction counts. */
  #onDatagram(datagram: Buffer): void {
    try {
      for (const message of messages(datagram))
        if (message.type === NLMSG_ERROR) this.#answer(message.sequence, verdictOf(message));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#failAll({ errno: 0, reason: error.message });
    }
  }

  #answer(sequence: number, verdict: Verdict): void {
    const done = this.#waiting.get(sequence);
    this.#waiting.delete(sequence);
    done?.(verdict);
  }

  #failAll(verdict: Verdict): void {
    for (const sequence of [...this.#waiting.keys()]) this.#answer(sequence, verdict);
  }
}
