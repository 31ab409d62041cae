import { type Family, familyOf, type IpAddress } from "../../address.js";
import { bytesOfIp, ipOfBytes } from "../../ip-bytes.js";
import { port } from "../../units.js";
import { reportMissing } from "../apply.js";
import { integer } from "../args.js";
import { parseIp } from "../ip.js";
import type { Context } from "../keyword.js";
import type { Word } from "../lexer.js";
import type { SourcePosition } from "../model.js";
import type { GroupEntry } from "../model-lvs.js";
import { type OptionTable, optionsFor } from "../option-words.js";
import { didYouMean } from "../suggest.js";

/** What one `virtual_server_group` block said. */
export interface GroupDraft {
  readonly name: string;
  readonly at: SourcePosition;
  readonly entries: GroupEntry[];
}

export const groupEntryShape =
  "<address>[-<last octet>|-<address>|/<prefix>] [<port>] | fwmark <0..4294967295> [inet|inet6]";

const mark = integer(0, 0xffff_ffff);
const portArg = integer(0, 65535);
const { option } = optionsFor<object>();
const family = (doc: string) => option({ args: [], apply: () => undefined, doc });

/** For tools. */
export const groupEntryOptions: OptionTable = {
  fwmark: option({ args: [mark], apply: () => undefined, doc: "A service of all packets with this mark." }),
  inet: family("The mark is for IPv4."),
  inet6: family("The mark is for IPv6."),
};

export function readGroupEntry(draft: GroupDraft, words: readonly Word[], context: Context): void {
  const entry = words[0]?.text === "fwmark" ? readMark(draft, words, context) : readRange(words, context);
  if (entry !== undefined) draft.entries.push(entry);
}

function readMark({ name }: GroupDraft, words: readonly Word[], context: Context): GroupEntry | undefined {
  const { diagnostics } = context;
  const [, number, of] = words;
  if (number === undefined) {
    reportMissing(context.named("fwmark"), 2, "<0..4294967295> [inet|inet6]");
    return undefined;
  }
  const fwmark = mark.parse(number.text);
  if (!fwmark.ok || fwmark.note !== undefined) {
    const message = `(${name}): fwmark '${number.text}' must be in [0, 4294967295] - ignoring`;
    diagnostics.error("CFG_BAD_VALUE", number.at, message, "write: fwmark NUMBER");
    return undefined;
  }
  const families: readonly Family[] = ["inet", "inet6"];
  const found = families.find((f) => f === of?.text);
  if (of !== undefined && found === undefined) {
    const message = `(${name}): fwmark '${number.text}' family ${of.text} unknown - ignoring`;
    diagnostics.error("CFG_BAD_VALUE", of.at, message, didYouMean(of.text, families) ?? "write inet or inet6");
    return undefined;
  }
  return { kind: "fwmark", fwmark: fwmark.value, family: found };
}

function readRange([range, portWord]: readonly Word[], { diagnostics, keyword }: Context): GroupEntry | undefined {
  if (range === undefined) return undefined;
  const number = portArg.parse(portWord?.text ?? "0");
  const portFits = number.ok && number.note === undefined;
  const ends = portFits ? parseRange(range.text) : undefined;
  if (portFits && ends !== undefined && "first" in ends) {
    return { kind: "addresses", first: ends.first, last: ends.last, port: port(number.value) };
  }
  const invalid = `Invalid virtual server group IP address ${range.text} /port/${portWord?.text ?? ""} - skipping`;
  const word = portFits ? range : (portWord ?? range);
  diagnostics.error("CFG_BAD_VALUE", word.at, ends?.why ?? invalid, `write into ${keyword}: ${groupEntryShape}`);
  return undefined;
}

type Range = { readonly first: IpAddress; readonly last: IpAddress; readonly why?: never };

/** `A`, `A-N` (last octet; IPv6: last 16 bits in hex), `A-B` or `A/prefix`. Undefined: no address. */
function parseRange(text: string): Range | { readonly why: string } | undefined {
  const [, start = "", kind, end = ""] = /^([^-/]+)([-/])(.*)$/s.exec(text) ?? ["", text];
  const first = parseIp(start);
  if (first === undefined) return undefined;
  if (kind === undefined) return { first, last: first };
  const result = kind === "/" ? prefixEnd(first, end) : rangeEnd(first, end);
  if (result === undefined) return undefined;
  if ("why" in result) return { why: `${result.why} - ${text} - skipping` };
  return { first, last: result.last };
}

function rangeEnd(first: IpAddress, end: string): { last: IpAddress } | { why: string } | undefined {
  const whole = parseIp(end);
  if (whole !== undefined && familyOf(whole) !== familyOf(first)) return { why: "Address range mixes IPv4 and IPv6" };
  const last = whole ?? withTail(first, end);
  if (last === undefined || typeof last !== "string") return last;
  const above = Buffer.compare(bytesOfIp(last), bytesOfIp(first)) > 0;
  return above ? { last } : { why: "Address range end is not greater than address range start" };
}

/** `first` with its last octet (IPv6: last 16 bits) replaced. */
function withTail(first: IpAddress, tail: string): IpAddress | { why: string } | undefined {
  const v4 = familyOf(first) === "inet";
  if (!(v4 ? /^\d+$/ : /^[0-9a-f]+$/i).test(tail)) return undefined;
  const value = Number.parseInt(tail, v4 ? 10 : 16);
  if (value > (v4 ? 0xff : 0xffff)) return { why: `Virtual server group range end '${tail}' too large` };
  const bytes = bytesOfIp(first);
  bytes[bytes.length - 1] = value & 0xff;
  if (!v4) bytes[bytes.length - 2] = value >> 8;
  return ipOfBytes(bytes);
}

function prefixEnd(first: IpAddress, text: string): { last: IpAddress } | { why: string } | undefined {
  const bytes = bytesOfIp(first);
  const prefix = Number(text);
  if (!/^\d{1,3}$/.test(text) || prefix > bytes.length * 8) return undefined;
  for (let bit = prefix; bit < bytes.length * 8; bit++) {
    const mask = 0x80 >> (bit & 7);
    if (((bytes[bit >> 3] ?? 0) & mask) !== 0) return { why: "Address mask bits not empty" };
  }
  for (let bit = prefix; bit < bytes.length * 8; bit++) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  return { last: ipOfBytes(bytes) };
}
