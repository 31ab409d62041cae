import { NetlinkConnection, type OpenSocket } from "../netlink/connection.js";
import { attributes, textOf } from "../netlink/reader.js";
import { align, type MessageWriter } from "../netlink/writer.js";
import {
  NETLINK_NETFILTER,
  NFNL_SUBSYS_NFTABLES,
  NFTA_RULE_CHAIN,
  NFTA_RULE_TABLE,
  NFTA_SET_ELEM_LIST_ELEMENTS,
  NFTA_SET_ELEM_LIST_SET,
  NFTA_SET_ELEM_LIST_TABLE,
} from "./nft-codec.js";

/** linux/netfilter/nf_tables.h */
const NFT_MSG_GETRULE = 7;
const NFT_MSG_GETSETELEM = 13;
const NFT_MSG_GETGEN = 16;
const NFTA_GEN_ID = 1;
const RECEIVE_BYTES = 256 * 1024;
const ENOENT = 2;

/** What was found, and whether somebody changed something meanwhile: then some may have been overlooked. */
export interface Count {
  readonly found: number;
  readonly interrupted: boolean;
}

export interface RulesOf {
  readonly family: number;
  readonly table: string;
  readonly chain: string;
}

export interface ElementsOf {
  readonly family: number;
  readonly table: string;
  readonly set: string;
}

/** Asks nftables what it has. Undefined: no answer. Where there is no such table, there is nothing in it. */
export class NftQuestions implements Disposable {
  readonly #connection: NetlinkConnection;

  /** @throws system error (EPROTONOSUPPORT where the kernel has no netfilter) */
  constructor(open?: OpenSocket) {
    this.#connection = new NetlinkConnection(NETLINK_NETFILTER, {}, RECEIVE_BYTES, open);
  }

  /** Grows by one with each transaction of anybody in this network namespace. */
  async generation(): Promise<number | undefined> {
    const { parts, verdict } = await this.#connection.query({ type: typeOf(NFT_MSG_GETGEN), encode: header(0) });
    const id = verdict.errno === 0 && parts[0] && attributes(parts[0].payload.subarray(4)).get(NFTA_GEN_ID);
    return id ? id.readUInt32BE(0) : undefined;
  }

  /** Kernels before 4.18 tell of all chains. */
  countRules({ family, table, chain }: RulesOf): Promise<Count | undefined> {
    const encode = (writer: MessageWriter): void => {
      header(family)(writer);
      writer.text(NFTA_RULE_TABLE, table);
      writer.text(NFTA_RULE_CHAIN, chain);
    };
    return this.#count(NFT_MSG_GETRULE, encode, (payload) => {
      const rule = attributes(payload, ofRule);
      return textOf(rule.get(NFTA_RULE_TABLE)) === table && textOf(rule.get(NFTA_RULE_CHAIN)) === chain ? 1 : 0;
    });
  }

  countElements({ family, table, set }: ElementsOf): Promise<Count | undefined> {
    const encode = (writer: MessageWriter): void => {
      header(family)(writer);
      writer.text(NFTA_SET_ELEM_LIST_TABLE, table);
      writer.text(NFTA_SET_ELEM_LIST_SET, set);
    };
    return this.#count(NFT_MSG_GETSETELEM, encode, (payload) =>
      parts(attributes(payload, ofElements).get(NFTA_SET_ELEM_LIST_ELEMENTS)),
    );
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }

  async #count(
    message: number,
    encode: (writer: MessageWriter) => void,
    inPart: (payload: Buffer) => number,
  ): Promise<Count | undefined> {
    let found = 0;
    const { verdict, interrupted } = await this.#connection.dumpEach(typeOf(message), encode, ({ payload }) => {
      found += inPart(payload.subarray(4));
    });
    return verdict.errno === 0 || verdict.errno === ENOENT ? { found, interrupted } : undefined;
  }
}

const ofRule: ReadonlySet<number> = new Set([NFTA_RULE_TABLE, NFTA_RULE_CHAIN]);
const ofElements: ReadonlySet<number> = new Set([NFTA_SET_ELEM_LIST_ELEMENTS]);

const typeOf = (message: number): number => (NFNL_SUBSYS_NFTABLES << 8) | message;

/** struct nfgenmsg */
const header =
  (family: number) =>
  (writer: MessageWriter): void =>
    writer.header(Uint8Array.of(family, 0, 0, 0));

/** Number of attributes side by side: a large set has a hundred thousand, so no view of each is made. */
function parts(list: Buffer | undefined): number {
  let count = 0;
  for (let at = 0; list !== undefined && at + 4 <= list.length; count += 1)
    at += align(Math.max(4, list.readUInt16LE(at)));
  return count;
}
