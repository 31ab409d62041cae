import { type Family, familyOf, type IpAddress } from "../../address.js";
import { type Milliseconds, ms } from "../../units.js";
import { integer } from "../args.js";
import { parseIp } from "../ip.js";
import { parseAnyBase } from "../iproute-names.js";
import type { Arg, Parsed } from "../keyword.js";
import type { NumberRange, Prefix } from "../model-routes.js";

/** Values that addresses, routes and rules have in common. */

export const u8 = integer(0, 255);
export const u32 = integer(0, 0xffff_ffff);

/** Also with 0x or 0 before it. */
export const anyBase = (lo: number, hi: number): Arg<number> => ({
  shape: `<${lo}..${hi}>`,
  parse(text) {
    const value = parseAnyBase(text);
    const ok = value !== undefined && value >= lo && value <= hi;
    return ok ? { ok, value } : { ok: false, why: `is not a number between ${lo} and ${hi}` };
  },
});

/** 64 bits, as decimal text. */
export const wideNumber: Arg<string> = {
  shape: "<0..18446744073709551615>",
  parse(text) {
    const ok = /^\d{1,20}$/.test(text) && BigInt(text) < 2n ** 64n;
    return ok ? { ok, value: BigInt(text).toString() } : { ok: false, why: "is not a number of at most 64 bits" };
  },
};

/** `ADDRESS[/LENGTH]`. A bad length is reported and the full one used, as keepalived does. */
export const prefixArg: Arg<Prefix> = {
  shape: "<address>[/<length>]",
  parse(text): Parsed<Prefix> {
    const slash = text.indexOf("/");
    const address = parseIp(slash === -1 ? text : text.slice(0, slash));
    if (address === undefined) return { ok: false, why: "is not an IP address with or without a prefix length" };
    const longest = longestPrefix(familyOf(address));
    const length =
      slash === -1 ? { ok: true as const, value: longest } : integer(0, longest).parse(text.slice(slash + 1));
    if (length.ok) return { ok: true, value: { address, length: length.value } };
    const note = `has an invalid prefix length (0 to ${longest}); ${longest} is used`;
    return { ok: true, value: { address, length: longest }, note };
  },
};

export const longestPrefix = (family: Family): number => (family === "inet" ? 32 : 128);

export const anywhere = (family: Family): Prefix => ({ address: family === "inet" ? "0.0.0.0" : "::", length: 0 });

/** `default`, `any` and `all` are no prefix of one family: undefined. */
export const prefixOrAny: Arg<Prefix | undefined> = {
  shape: `${prefixArg.shape}|default|any|all`,
  words: ["default", "any", "all"],
  parse: (text) => (["default", "any", "all"].includes(text) ? { ok: true, value: undefined } : prefixArg.parse(text)),
};

/** `LOW-HIGH`, both ends included; keepalived takes any two numbers. */
export const rangeArg: Arg<NumberRange> = {
  shape: "<low>-<high>",
  parse(text) {
    const match = /^(\d{1,10})-(\d{1,10})$/.exec(text);
    if (match === null) return { ok: false, why: "is not a range LOW-HIGH" };
    return { ok: true, value: { from: Number(match[1]), to: Number(match[2]) } };
  },
};

/** `MARK[/MASK]`; without a mask all 32 bits count. */
export const fwmarkArg: Arg<{ readonly mark: number; readonly mask: number }> = {
  shape: "<mark>[/<mask>]",
  parse(text) {
    const [markText = "", maskText = "0xffffffff", ...rest] = text.split("/");
    const mark = parseAnyBase(markText);
    const mask = parseAnyBase(maskText);
    const bad = rest.length > 0 || mark === undefined || mask === undefined || mark > 0xffff_ffff || mask > 0xffff_ffff;
    return bad ? { ok: false, why: "is not a mark, or a mark and a mask" } : { ok: true, value: { mark, mask } };
  },
};

const LEAST_MS = 200;
const MOST_MS = 120_000;

/** A time metric of a route: bare numbers count `perMs` to the millisecond, as the kernel stores it. */
export const routeTime = (perMs: number): Arg<Milliseconds> => ({
  shape: "<number>[s|ms]",
  parse(text): Parsed<Milliseconds> {
    const match = /^(\d+(?:\.\d*)?|\.\d+)(s|secs?|ms|msecs?)?$/.exec(text);
    if (match === null) return { ok: false, why: "is not a number with s, ms or nothing behind it" };
    const unit = match[2];
    const factor = unit === undefined ? 1 / perMs : unit.startsWith("s") ? 1000 : 1;
    const value = Math.round(Number(match[1]) * factor * perMs) / perMs;
    if (value < LEAST_MS) return { ok: true, value: ms(LEAST_MS), note: "is less than 0.2 s; 0.2 s is used" };
    if (value > MOST_MS) return { ok: true, value: ms(MOST_MS), note: "is more than 120 s; 120 s is used" };
    return { ok: true, value: ms(value) };
  },
});

/** Names are looked up when all files are read: a setting of global_defs says where they are. */
export const nameOrNumber = (what: string, most: number): Arg<string> => ({
  shape: `<${what}|0..${most}>`,
  parse: (value) => (value === "" ? { ok: false, why: `is not a ${what}` } : { ok: true, value }),
});

export const address: Arg<IpAddress> = {
  shape: "<address>",
  parse(text) {
    const value = parseIp(text);
    return value === undefined ? { ok: false, why: "is not an IP address" } : { ok: true, value };
  },
};
