import type { MessageWriter } from "../netlink/writer.js";
import { unreachable } from "../unreachable.js";

/** linux/netfilter/nfnetlink.h, linux/netfilter/nf_tables.h. Numbers in attributes are in network order. */
export const NETLINK_NETFILTER = 12;
export const NFPROTO_IPV4 = 2;
export const NFPROTO_IPV6 = 10;
export const NFNL_SUBSYS_NFTABLES = 10;
const NFNL_MSG_BATCH_BEGIN = 0x10;
const NFNL_MSG_BATCH_END = 0x11;
const NFT_MSG_NEWTABLE = 0;
const NFT_MSG_DELTABLE = 2;
const NFT_MSG_NEWCHAIN = 3;
const NFT_MSG_NEWRULE = 6;
const NFT_MSG_NEWSET = 9;
const NFT_MSG_NEWSETELEM = 12;
const NFT_MSG_DELSETELEM = 14;
const NFTA_TABLE_NAME = 1;
const NFTA_CHAIN_TABLE = 1;
const NFTA_CHAIN_NAME = 3;
const NFTA_CHAIN_HOOK = 4;
const NFTA_CHAIN_POLICY = 5;
const NFTA_CHAIN_TYPE = 7;
const NFTA_HOOK_HOOKNUM = 1;
const NFTA_HOOK_PRIORITY = 2;
export const NFTA_RULE_TABLE = 1;
export const NFTA_RULE_CHAIN = 2;
const NFTA_RULE_EXPRESSIONS = 4;
const NFTA_LIST_ELEM = 1;
const NFTA_EXPR_NAME = 1;
const NFTA_EXPR_DATA = 2;
const NFTA_SET_TABLE = 1;
const NFTA_SET_NAME = 2;
const NFTA_SET_FLAGS = 3;
const NFTA_SET_KEY_TYPE = 4;
const NFTA_SET_KEY_LEN = 5;
const NFTA_SET_DATA_TYPE = 6;
const NFTA_SET_DATA_LEN = 7;
const NFTA_SET_ID = 10;
const NFTA_SET_USERDATA = 13;
const NFT_SET_MAP = 8;
export const NFTA_SET_ELEM_LIST_TABLE = 1;
export const NFTA_SET_ELEM_LIST_SET = 2;
export const NFTA_SET_ELEM_LIST_ELEMENTS = 3;
const NFTA_SET_ELEM_KEY = 1;
const NFTA_SET_ELEM_DATA = 2;
const NFTA_DATA_VALUE = 1;
const NFTA_DATA_VERDICT = 2;
const NFTA_VERDICT_CODE = 1;
const NFTA_VERDICT_CHAIN = 2;
const NF_ACCEPT = 1;
const NF_DROP = 0;
const NFT_GOTO = -4;
const NFT_RETURN = -5;
const NFTA_META_KEY = 2;
const NFTA_META_SREG = 3;
const NLA_F_NESTED = 0x8000;
const NLM_F_REQUEST = 0x1;
const NLM_F_ACK = 0x4;
const NLM_F_CREATE = 0x400;
const NLM_F_APPEND = 0x800;

export const hooks = { input: 1, output: 3 } as const;
/** Where a payload expression counts from. */
export const NETWORK_HEADER = 1;
export const TRANSPORT_HEADER = 2;
export const meta = { mark: 3, iif: 4, oif: 5, l4proto: 16, oifkind: 27 } as const;

/** Types of set keys as `nft` shows them; a concatenation is the types of its parts, six bits each. */
export const keyTypes = {
  ipv4: { type: 7, bytes: 4 },
  ipv6: { type: 8, bytes: 16 },
  icmpv6Type: { type: 29, bytes: 1 },
  interfaceIndex: { type: 20, bytes: 4 },
  ipv6AndInterface: { type: (8 << 6) | 20, bytes: 20 },
  ipv4AndPort: { type: (7 << 6) | 13, bytes: 8 },
  ipv6AndPort: { type: (8 << 6) | 13, bytes: 20 },
  mark: { type: 19, bytes: 4 },
} as const;
export type KeyType = (typeof keyTypes)[keyof typeof keyTypes];

/** The second four octets of register 1: what follows an IPv4 address in a key (NFT_REG32_01). */
export const AFTER_FOUR_OCTETS = 9;

/** One step of a rule; registers 1 and 2 have 16 octets each and lie side by side. */
export type Expression =
  | {
      readonly do: "payload";
      readonly base: number;
      readonly offset: number;
      readonly bytes: number;
      /** Default 1. */
      readonly register?: 2 | typeof AFTER_FOUR_OCTETS;
    }
  /** The packet's mark is what register 1 has. */
  | { readonly do: "set-mark" }
  | { readonly do: "meta"; readonly key: number; readonly register: 1 | 2 }
  | { readonly do: "equals"; readonly register: 1 | 2; readonly value: Uint8Array }
  | { readonly do: "mask"; readonly value: Uint8Array }
  /** Register 1 (or 2) is in the set; a map puts what it finds into `into`. */
  | { readonly do: "lookup"; readonly set: string; readonly register: 1 | 2; readonly into?: 1 | 2 }
  /** A copy to the address in register 1 leaves by the interface in register 2. */
  | { readonly do: "duplicate" }
  | { readonly do: "counter" }
  | { readonly do: "accept" | "drop" | "return" }
  | { readonly do: "goto"; readonly chain: string };

export interface ElementKey {
  readonly key: Uint8Array;
  /** Of a map. */
  readonly value?: Uint8Array;
}

/** One change of the ruleset. */
export type NftChange =
  | { readonly kind: "table" | "delete-table"; readonly family: number; readonly table: string }
  | {
      readonly kind: "chain";
      readonly family: number;
      readonly table: string;
      readonly chain: string;
      /** Undefined: reached by goto only. */
      readonly hook: { readonly number: number; readonly priority: number } | undefined;
    }
  | {
      readonly kind: "set";
      readonly family: number;
      readonly table: string;
      readonly set: string;
      readonly key: KeyType;
      /** Makes it a map. */
      readonly data?: KeyType;
      /** Unique in the transaction. */
      readonly id: number;
    }
  | {
      readonly kind: "rule";
      readonly family: number;
      readonly table: string;
      readonly chain: string;
      readonly steps: readonly Expression[];
    }
  | {
      readonly kind: "elements" | "delete-elements";
      readonly family: number;
      readonly table: string;
      readonly set: string;
      readonly elements: readonly ElementKey[];
    };

/** A transaction: all of it or nothing. Only its last change asks for an answer; a refused one answers by itself. */
export function writeTransaction(writer: MessageWriter, changes: readonly NftChange[], sequence: number): void {
  frame(writer, NFNL_MSG_BATCH_BEGIN, sequence);
  changes.forEach((change, i) => {
    writeChange(writer, change, sequence, i === changes.length - 1 ? NLM_F_ACK : 0);
  });
  frame(writer, NFNL_MSG_BATCH_END, sequence);
}

/** struct nfgenmsg { u8 family; u8 version; be16 res_id }: the subsystem of a batch. */
function frame(writer: MessageWriter, type: number, sequence: number): void {
  writer.begin(type, NLM_F_REQUEST, sequence);
  writer.header(Uint8Array.of(0, 0, 0, NFNL_SUBSYS_NFTABLES));
  writer.end();
}

const types = {
  table: NFT_MSG_NEWTABLE,
  "delete-table": NFT_MSG_DELTABLE,
  chain: NFT_MSG_NEWCHAIN,
  set: NFT_MSG_NEWSET,
  rule: NFT_MSG_NEWRULE,
  elements: NFT_MSG_NEWSETELEM,
  "delete-elements": NFT_MSG_DELSETELEM,
} as const satisfies Record<NftChange["kind"], number>;

function writeChange(writer: MessageWriter, change: NftChange, sequence: number, ack: number): void {
  const creates = change.kind.startsWith("delete") ? 0 : NLM_F_CREATE;
  const appends = change.kind === "rule" ? NLM_F_APPEND : 0;
  const type = (NFNL_SUBSYS_NFTABLES << 8) | types[change.kind];
  writer.begin(type, NLM_F_REQUEST | ack | creates | appends, sequence);
  writer.header(Uint8Array.of(change.family, 0, 0, 0));
  writeBody(writer, change);
  writer.end();
}

function writeBody(writer: MessageWriter, change: NftChange): void {
  switch (change.kind) {
    case "table":
    case "delete-table":
      writer.text(NFTA_TABLE_NAME, change.table);
      return;
    case "chain":
      writeChain(writer, change);
      return;
    case "set":
      writeSet(writer, change);
      return;
    case "rule":
      writer.text(NFTA_RULE_TABLE, change.table);
      writer.text(NFTA_RULE_CHAIN, change.chain);
      nested(writer, NFTA_RULE_EXPRESSIONS, () => {
        for (const step of change.steps) writeExpression(writer, step);
      });
      return;
    case "elements":
    case "delete-elements":
      writeElements(writer, change);
      return;
    default:
      unreachable(change);
  }
}

function writeChain(writer: MessageWriter, change: Extract<NftChange, { kind: "chain" }>): void {
  const { table, chain, hook } = change;
  writer.text(NFTA_CHAIN_TABLE, table);
  writer.text(NFTA_CHAIN_NAME, chain);
  if (hook === undefined) return;
  nested(writer, NFTA_CHAIN_HOOK, () => {
    writer.be32(NFTA_HOOK_HOOKNUM, hook.number);
    writer.be32(NFTA_HOOK_PRIORITY, hook.priority);
  });
  writer.be32(NFTA_CHAIN_POLICY, NF_ACCEPT);
  writer.text(NFTA_CHAIN_TYPE, "filter");
}

function writeSet(writer: MessageWriter, { table, set, key, data, id }: Extract<NftChange, { kind: "set" }>): void {
  writer.text(NFTA_SET_TABLE, table);
  writer.text(NFTA_SET_NAME, set);
  writer.be32(NFTA_SET_FLAGS, data === undefined ? 0 : NFT_SET_MAP);
  writer.be32(NFTA_SET_KEY_TYPE, key.type);
  writer.be32(NFTA_SET_KEY_LEN, key.bytes);
  if (data !== undefined) writer.be32(NFTA_SET_DATA_TYPE, data.type);
  if (data !== undefined) writer.be32(NFTA_SET_DATA_LEN, data.bytes);
  writer.be32(NFTA_SET_ID, id);
  if (key === keyTypes.interfaceIndex) writer.raw(NFTA_SET_USERDATA, hostOrderMarks);
}

/** For `nft list`: keys (0) and values (1) are in the host's byte order (1), each as type, length, number (libnftables). */
const hostOrderMarks = Uint8Array.of(0, 4, 1, 0, 0, 0, 1, 4, 1, 0, 0, 0);

function writeElements(
  writer: MessageWriter,
  { table, set, elements }: Extract<NftChange, { kind: "elements" | "delete-elements" }>,
): void {
  writer.text(NFTA_SET_ELEM_LIST_TABLE, table);
  writer.text(NFTA_SET_ELEM_LIST_SET, set);
  nested(writer, NFTA_SET_ELEM_LIST_ELEMENTS, () => {
    for (const { key, value } of elements)
      nested(writer, NFTA_LIST_ELEM, () => {
        nested(writer, NFTA_SET_ELEM_KEY, () => writer.raw(NFTA_DATA_VALUE, key));
        if (value !== undefined) nested(writer, NFTA_SET_ELEM_DATA, () => writer.raw(NFTA_DATA_VALUE, value));
      });
  });
}

function writeExpression(writer: MessageWriter, step: Expression): void {
  switch (step.do) {
    case "payload":
      expression(writer, "payload", [step.register ?? 1, step.base, step.offset, step.bytes]);
      break;
    case "set-mark":
      element(writer, "meta", () => {
        writer.be32(NFTA_META_KEY, meta.mark);
        writer.be32(NFTA_META_SREG, 1);
      });
      break;
    case "meta":
      expression(writer, "meta", [step.register, step.key]);
      break;
    case "equals":
      expression(writer, "cmp", [step.register, 0], [[3, step.value]]);
      break;
    case "mask": {
      const { value } = step;
      const toggled = new Uint8Array(value.length);
      expression(
        writer,
        "bitwise",
        [1, 1, value.length],
        [
          [4, value],
          [5, toggled],
        ],
      );
      break;
    }
    case "lookup":
      lookup(writer, step);
      break;
    case "duplicate":
      expression(writer, "dup", [1, 2]);
      break;
    case "counter":
      expression(writer, "counter", []);
      break;
    case "accept":
    case "drop":
    case "return":
      verdict(writer, verdicts[step.do], undefined);
      break;
    case "goto":
      verdict(writer, NFT_GOTO, step.chain);
      break;
    default:
      unreachable(step);
  }
}

const verdicts = { accept: NF_ACCEPT, drop: NF_DROP, return: NFT_RETURN } as const;

/** Most expressions begin with numbers in the order of their attributes; values in NFTA_DATA_VALUE may follow. */
function expression(
  writer: MessageWriter,
  name: string,
  numbers: readonly number[],
  values: readonly (readonly [attribute: number, value: Uint8Array])[] = [],
): void {
  element(writer, name, () => {
    numbers.forEach((number, i) => {
      writer.be32(i + 1, number);
    });
    for (const [attribute, value] of values) nested(writer, attribute, () => writer.raw(NFTA_DATA_VALUE, value));
  });
}

function lookup(writer: MessageWriter, step: Extract<Expression, { do: "lookup" }>): void {
  element(writer, "lookup", () => {
    writer.text(1, step.set);
    writer.be32(2, step.register);
    if (step.into !== undefined) writer.be32(3, step.into);
  });
}

function verdict(writer: MessageWriter, code: number, chain: string | undefined): void {
  element(writer, "immediate", () => {
    writer.be32(1, 0);
    nested(writer, 2, () => {
      nested(writer, NFTA_DATA_VERDICT, () => {
        writer.be32(NFTA_VERDICT_CODE, code);
        if (chain !== undefined) writer.text(NFTA_VERDICT_CHAIN, chain);
      });
    });
  });
}

function element(writer: MessageWriter, name: string, data: () => void): void {
  nested(writer, NFTA_LIST_ELEM, () => {
    writer.text(NFTA_EXPR_NAME, name);
    nested(writer, NFTA_EXPR_DATA, data);
  });
}

const nested = (writer: MessageWriter, type: number, body: () => void): void => writer.nest(type | NLA_F_NESTED, body);
