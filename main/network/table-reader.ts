import { setImmediate as nextTurn } from "node:timers/promises";
import type { DumpResult } from "../netlink/connection.js";
import type { Message } from "../netlink/reader.js";
import type { MessageWriter } from "../netlink/writer.js";
import type { Log } from "../observe/log.js";
import { ENOBUFS } from "./address-errors.js";
import { NetworkTable } from "./network-table.js";
import {
  decodeRouteMessage,
  encodeAddressDump,
  encodeLinkDump,
  type RouteMessage,
  RTM_GETADDR,
  RTM_GETLINK,
} from "./rtnetlink.js";

export type Dump = (type: number, encode: (writer: MessageWriter) => void) => Promise<DumpResult>;

export type Reading =
  | {
      readonly kind: "table";
      readonly table: NetworkTable;
      /** False when every dump was interrupted, or notifications were lost again: read once more, a little later. */
      readonly complete: boolean;
    }
  | { readonly kind: "failed"; readonly errno: number };

interface Attempt {
  readonly messages: readonly Message[];
  readonly errno: number;
  readonly interrupted: boolean;
}

/** A host whose addresses change all the time interrupts every dump: then the last one is good enough for a while. */
const ATTEMPTS = 8;
/** Messages per turn of the loop: about a millisecond of decoding. */
const SLICE = 200;

/**
 * Reads links and addresses as a whole. The dump comes in parts while the table may change: notifications that arrive
 * meanwhile are kept and applied on top of it, so that the last word about every entry is the kernel's last word.
 * Nothing may be missing among them: see `recordLoss`.
 */
export class TableReader {
  readonly #dump: Dump;
  readonly #barrier: () => Promise<boolean>;
  readonly #log: Log;
  /** What was learnt since the dump began; undefined while nothing is being read. */
  #replay: RouteMessage[] | undefined;
  #losses = 0;

  /** `barrier`: resolves when what the kernel had queued before is read (RouteRequests). */
  constructor(dump: Dump, barrier: () => Promise<boolean>, log: Log) {
    this.#dump = dump;
    this.#barrier = barrier;
    this.#log = log;
  }

  get busy(): boolean {
    return this.#replay !== undefined;
  }

  /** Everything that becomes known of single entries has to pass here. */
  record(known: RouteMessage): void {
    this.#replay?.push(known);
  }

  /** Notifications were lost: a reading under way starts again. */
  recordLoss(): void {
    this.#losses += 1;
  }

  /** `current`: the table so far; its entries stay when no dump was complete, for absence then proves nothing. */
  async read(current: NetworkTable): Promise<Reading> {
    let reading = await this.#readOnce(current);
    for (let i = 1; i < ATTEMPTS && !(reading.kind === "table" && reading.complete); i += 1)
      reading = await this.#readOnce(current);
    // No turn of the loop passes between the replay and this: nothing can be missed.
    this.#replay = undefined;
    return reading;
  }

  async #readOnce(current: NetworkTable): Promise<Reading> {
    this.#replay ??= []; // busy
    if (!(await this.#barrier())) return { kind: "failed", errno: ENOBUFS };
    // Notifications until here may be older than a loss: to apply them again would bring back what is gone since.
    const replay: RouteMessage[] = [];
    this.#replay = replay;
    const losses = this.#losses;
    const { errno, messages, interrupted } = await this.#attempt();
    if (errno !== 0) return { kind: "failed", errno };
    const table = await this.#build(messages, interrupted ? current.copy() : new NetworkTable());
    for (const known of replay) table.apply(known);
    return { kind: "table", table, complete: !interrupted && losses === this.#losses };
  }

  async #attempt(): Promise<Attempt> {
    const links = await this.#dump(RTM_GETLINK, encodeLinkDump);
    if (links.verdict.errno !== 0) return { messages: [], errno: links.verdict.errno, interrupted: false };
    const addresses = await this.#dump(RTM_GETADDR, encodeAddressDump);
    return {
      messages: [...links.parts, ...addresses.parts],
      errno: addresses.verdict.errno,
      interrupted: links.interrupted || addresses.interrupted,
    };
  }

  async #build(messages: readonly Message[], table: NetworkTable): Promise<NetworkTable> {
    for (let i = 0; i < messages.length; i += SLICE) {
      if (i > 0) await nextTurn();
      for (const message of messages.slice(i, i + SLICE)) {
        const known = this.#tolerantly(message);
        if (known !== undefined) table.apply(known);
      }
    }
    return table;
  }

  /** One entry that cannot be decoded must not hide all others, nor be asked for again without end. */
  #tolerantly(message: Message): RouteMessage | undefined {
    try {
      return decodeRouteMessage(message);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      const sentence = `an entry of the kernel's network tables is skipped: ${error.message}`;
      this.#log("warning", "network.undecodable", sentence, { type: message.type });
      return undefined;
    }
  }
}
