import type { NumberRange, RuleAction, RuleConfig } from "../config/model-routes.js";
import type { Request } from "../netlink/connection.js";
import { attributes, type Message, NLM_F_CREATE, NLM_F_EXCL, numberOf, textOf } from "../netlink/reader.js";
import type { MessageWriter } from "../netlink/writer.js";
import { be64 } from "./encap-codec.js";
import { familyNumber, familyOfNumber, networkBytes, prefixText, prefixTextOf } from "./prefix-bytes.js";

/** linux/rtnetlink.h, linux/fib_rules.h */
export const RTM_NEWRULE = 32;
export const RTM_DELRULE = 33;
export const RTNLGRP_IPV4_RULE = 8;
export const RTNLGRP_IPV6_RULE = 19;
const FRA_DST = 1;
const FRA_SRC = 2;
const FRA_IIFNAME = 3;
const FRA_GOTO = 4;
const FRA_PRIORITY = 6;
const FRA_FWMARK = 10;
const FRA_FLOW = 11;
const FRA_TUN_ID = 12;
const FRA_SUPPRESS_IFGROUP = 13;
const FRA_SUPPRESS_PREFIXLEN = 14;
const FRA_TABLE = 15;
const FRA_FWMASK = 16;
const FRA_OIFNAME = 17;
const FRA_L3MDEV = 19;
const FRA_UID_RANGE = 20;
const FRA_PROTOCOL = 21;
const FRA_IP_PROTO = 22;
const FRA_SPORT_RANGE = 23;
const FRA_DPORT_RANGE = 24;
const FIB_RULE_INVERT = 2;
const RULE_BYTES = 12;
const EVERY_BIT = 0xffffffff;
/** FR_ACT_*; l3mdev is a table that the interface decides. */
const actions = {
  table: 1,
  l3mdev: 1,
  goto: 2,
  nop: 3,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
} as const satisfies Record<RuleAction["do"], number>;

/** Like `ip rule add ...`. */
export const addRuleRequest = (rule: RuleConfig): Request => ({
  type: RTM_NEWRULE,
  flags: NLM_F_CREATE | NLM_F_EXCL,
  encode: (writer) => encodeRule(writer, rule),
});

/** Like `ip rule del ...`, with everything that tells it from another rule at the same place. */
export const deleteRuleRequest = (rule: RuleConfig): Request => ({
  type: RTM_DELRULE,
  encode: (writer) => encodeRule(writer, rule),
});

function encodeRule(writer: MessageWriter, rule: RuleConfig): void {
  const { action, from, to, fwmark } = rule;
  writeHeader(writer, rule);
  if (action.do === "table" && action.table > 255) writer.u32(FRA_TABLE, action.table);
  if (from !== undefined && from.length > 0) writer.raw(FRA_SRC, networkBytes(from));
  if (to !== undefined && to.length > 0) writer.raw(FRA_DST, networkBytes(to));
  writer.u32(FRA_PRIORITY, rule.preference);
  if (fwmark !== undefined) writer.u32(FRA_FWMARK, fwmark.mark);
  if (fwmark !== undefined && fwmark.mask !== EVERY_BIT) writer.u32(FRA_FWMASK, fwmark.mask);
  if (rule.realms !== undefined) writer.u32(FRA_FLOW, ((rule.realms.from << 16) | rule.realms.to) >>> 0);
  if (rule.suppressPrefixLength !== undefined) writer.u32(FRA_SUPPRESS_PREFIXLEN, rule.suppressPrefixLength);
  if (rule.suppressGroup !== undefined) writer.u32(FRA_SUPPRESS_IFGROUP, rule.suppressGroup);
  if (rule.inputDevice !== undefined) writer.text(FRA_IIFNAME, rule.inputDevice);
  if (rule.outputDevice !== undefined) writer.text(FRA_OIFNAME, rule.outputDevice);
  if (rule.tunnelId !== undefined) writer.raw(FRA_TUN_ID, be64(rule.tunnelId));
  if (rule.uids !== undefined) writer.raw(FRA_UID_RANGE, range(rule.uids, 4));
  if (action.do === "l3mdev") writer.u8(FRA_L3MDEV, 1);
  writer.u8(FRA_PROTOCOL, rule.protocol);
  if (rule.ipProtocol !== undefined) writer.u8(FRA_IP_PROTO, rule.ipProtocol);
  if (rule.sourcePorts !== undefined) writer.raw(FRA_SPORT_RANGE, range(rule.sourcePorts, 2));
  if (rule.destinationPorts !== undefined) writer.raw(FRA_DPORT_RANGE, range(rule.destinationPorts, 2));
  if (action.do === "goto") writer.u32(FRA_GOTO, action.preference);
}

/** struct fib_rule_hdr { u8 family, dst_len, src_len, tos, table, res1, res2, action; u32 flags } */
function writeHeader(writer: MessageWriter, { family, from, to, tos, not, action }: RuleConfig): void {
  const header = Buffer.alloc(RULE_BYTES);
  header.writeUInt8(familyNumber(family), 0);
  header.writeUInt8(to?.length ?? 0, 1);
  header.writeUInt8(from?.length ?? 0, 2);
  header.writeUInt8(tos, 3);
  header.writeUInt8(action.do === "table" && action.table < 256 ? action.table : 0, 4);
  header.writeUInt8(actions[action.do], 7);
  header.writeUInt32LE(not ? FIB_RULE_INVERT : 0, 8);
  writer.header(header);
}

/** struct fib_rule_uid_range (u32) and struct fib_rule_port_range (u16): first and last, in host order. */
function range({ from, to }: NumberRange, octets: 2 | 4): Buffer {
  const bytes = Buffer.alloc(octets * 2);
  bytes.writeUIntLE(from, 0, octets);
  bytes.writeUIntLE(to, octets, octets);
  return bytes;
}

/** What tells a rule from others, as far as a notification of its end can be told from that of another one. */
export function ruleIdentity(rule: RuleConfig): string {
  const { family, preference, from, to, tos, not, action, fwmark } = rule;
  const table = action.do === "table" ? action.table : 0;
  const ways = `${rule.inputDevice ?? ""} ${rule.outputDevice ?? ""}`;
  const what = `${prefixText(from)} ${prefixText(to)} ${tos} ${not ? "not " : ""}${fwmark?.mark ?? 0} ${ways}`;
  return `${family} ${preference} ${what} ${actions[action.do]} ${table}`;
}

/** Identity of a rule whose deletion is notified; undefined for other messages. @throws RangeError on torn bytes */
export function decodeGoneRule({ type, payload }: Message): string | undefined {
  if (type !== RTM_DELRULE) return undefined;
  if (payload.length < RULE_BYTES) throw new RangeError(`rtnetlink: a rule of ${payload.length} octets`);
  const family = familyOfNumber(payload.readUInt8(0));
  if (family === undefined) return undefined;
  const found = attributes(payload.subarray(RULE_BYTES));
  const action = payload.readUInt8(7);
  const table = action === actions.table ? (numberOf(found.get(FRA_TABLE)) ?? payload.readUInt8(4)) : 0;
  const ways = `${textOf(found.get(FRA_IIFNAME))} ${textOf(found.get(FRA_OIFNAME))}`;
  const from = prefixTextOf(found.get(FRA_SRC), payload.readUInt8(2));
  const to = prefixTextOf(found.get(FRA_DST), payload.readUInt8(1));
  const not = (payload.readUInt32LE(8) & FIB_RULE_INVERT) !== 0 ? "not " : "";
  const mark = numberOf(found.get(FRA_FWMARK)) ?? 0;
  const what = `${from} ${to} ${payload.readUInt8(3)} ${not}${mark} ${ways}`;
  return `${family} ${numberOf(found.get(FRA_PRIORITY)) ?? 0} ${what} ${action} ${table}`;
}
