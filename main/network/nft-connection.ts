import { type NetlinkSocket, openNetlink } from "../../native-bindings/netlink.js";
import type { OpenSocket } from "../netlink/connection.js";
import { messages, NLMSG_ERROR, type Verdict, verdictOf } from "../netlink/reader.js";
import { MessageWriter } from "../netlink/writer.js";
import { NETLINK_NETFILTER, NFPROTO_IPV4, type NftChange, writeTransaction } from "./nft-codec.js";

const RECEIVE_BYTES = 256 * 1024;
const EPERM = 1;

/** Transactions of nftables: the kernel has carried one out (or refused it whole) when `commit` returns. */
export class NftConnection implements Disposable {
  readonly #socket: NetlinkSocket;
  readonly #writer = new MessageWriter(8 * 1024);
  readonly #waiting = new Map<number, (verdict: Verdict) => void>();
  #sequence = 0;

  /** @throws system error (EPROTONOSUPPORT where the kernel has no netfilter) */
  constructor(open: OpenSocket = openNetlink) {
    this.#socket = open(NETLINK_NETFILTER, RECEIVE_BYTES, {
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

/** Of a name that nobody uses: the table of a daemon that died has to stay. */
const PROBE = "holdfast-probe";

/** Whether the kernel has nf_tables: a table that is made and goes in one transaction. */
export async function takesTables(connect: () => NftConnection): Promise<boolean> {
  try {
    using connection = connect();
    const of = { family: NFPROTO_IPV4, table: PROBE } as const;
    const changes: readonly NftChange[] = [
      { kind: "table", ...of },
      { kind: "delete-table", ...of },
    ];
    const { errno } = await new Promise<Verdict>((resolve) => connection.commit(changes, resolve));
    return errno === 0 || errno === EPERM; // without the right to, iptables would be refused as well
  } catch {
    return false; // no NETLINK_NETFILTER at all
  }
}
