import { type Family, familyOf, type IpAddress } from "../address.js";
import { type Milliseconds, ms } from "../units.js";
import { parseIp } from "./ip.js";
import type { Arg, Parsed } from "./keyword.js";

/** Node's timers hold 31 bits of milliseconds: 24 days. */
const LONGEST_WAIT_SECONDS = 2_147_483;

/** Decimal, no sign unless `lo` is negative. Trailing letters are a warning, as in keepalived's normal running. */
export const integer = (lo: number, hi: number): Arg<number> => ({
  shape: `<${lo}..${hi}>`,
  parse: remembered((text): Parsed<number> => {
    const plain = plainNumber(text);
    if (plain >= lo && plain <= hi) return { ok: true, value: plain };
    const why = `is not an integer between ${lo} and ${hi}`;
    // keepalived takes no sign where nothing is negative: not even -0.
    const match = (lo < 0 ? /^\s*([-+]?\d+)(.*)$/s : /^\s*(\+?\d+)(.*)$/s).exec(text);
    const value = Number(match?.[1]) + 0; // -0 is 0
    if (match === null || value < lo || value > hi) return { ok: false, why };
    const junk = match[2] ?? "";
    if (junk === "") return { ok: true, value };
    return { ok: true, value, note: `has characters after the number; ${value} is used` };
  }),
});

/** The common form, digits only and not many; NaN for all others. */
function plainNumber(text: string): number {
  const { length } = text;
  if (length === 0 || length > 15) return Number.NaN;
  let value = 0;
  for (let i = 0; i < length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** Files give the same value again and again: the last answer is kept. Long words are not: they keep their file alive. */
function remembered<T>(parse: (text: string) => Parsed<T>): (text: string) => Parsed<T> {
  let last: string | undefined;
  let answer: Parsed<T> | undefined;
  return (text) => {
    if (answer !== undefined && text === last) return answer;
    const parsed = parse(text);
    if (text.length < 13) {
      last = text;
      answer = parsed;
    }
    return parsed;
  };
}

/** Decimal seconds, read from the text and not by `* 1000`, so that 0.29 s is 290 ms. `decimals` 0: whole seconds. */
export const seconds = (lo: number, hi: number, decimals: 0 | 2 | 3 | 6): Arg<Milliseconds> => ({
  shape: `<seconds: ${lo}..${hi}${decimals === 0 ? " integer" : ""}>`,
  parse: remembered((text): Parsed<Milliseconds> => {
    const why = `is not ${decimals === 0 ? "a whole number of" : "between"} ${lo} and ${hi} seconds`;
    const microseconds = scale(text, decimals);
    if (microseconds === undefined || microseconds.value < Math.round(lo * 1e6) || microseconds.value > hi * 1e6) {
      return { ok: false, why: decimals === 0 ? `is not an integer between ${lo} and ${hi} (seconds)` : why };
    }
    if (microseconds.value > LONGEST_WAIT_SECONDS * 1e6) {
      const note = `is longer than this version can wait; ${LONGEST_WAIT_SECONDS} s is used`;
      return { ok: true, value: ms(LONGEST_WAIT_SECONDS * 1000), note };
    }
    const value = ms(microseconds.value / 1000);
    if (!microseconds.rounded) return { ok: true, value };
    return { ok: true, value, note: `has more than ${decimals} decimals; ${value / 1000} s is used` };
  }),
});

/** Microseconds, rounded to `decimals` decimals of a second. */
function scale(text: string, decimals: number): { value: number; rounded: boolean } | undefined {
  const match = /^\s*\+?(\d*)(?:\.(\d*))?$/.exec(text);
  const whole = match?.[1] ?? "";
  const fraction = match?.[2] ?? "";
  if (match === null || whole + fraction === "" || (decimals === 0 && text.includes("."))) return undefined;
  const kept = Number(whole + fraction.slice(0, decimals).padEnd(decimals, "0"));
  const up = Number(fraction.charAt(decimals)) >= 5 ? 1 : 0;
  return { value: (kept + up) * 10 ** (6 - decimals), rounded: fraction.length > decimals };
}

const TRUE = ["on", "true", "yes"];
const FALSE = ["off", "false", "no"];

/** `on`, `true`, `yes` and their opposites, lower case only; true when left out. */
export const switchArg: Arg<boolean> = {
  shape: "[on|off|true|false|yes|no]",
  words: [...TRUE, ...FALSE],
  parse(text) {
    if (TRUE.includes(text)) return { ok: true, value: true };
    if (FALSE.includes(text)) return { ok: true, value: false };
    return { ok: false, why: "is not on, off, true, false, yes or no" };
  },
  absent: { value: true },
};

export const text: Arg<string> = { shape: "<text>", parse: (value) => ({ ok: true, value }) };

export const textUpTo = (longest: number, shape: string): Arg<string> => ({
  shape,
  parse: (value) =>
    value.length <= longest && value !== ""
      ? { ok: true, value }
      : { ok: false, why: `must have 1 to ${longest} characters` },
});

/** IFNAMSIZ without its NUL. */
export const interfaceName = textUpTo(15, "<interface>");

export function ipArg(family?: Family): Arg<IpAddress> {
  const what = family === undefined ? "IP address" : family === "inet" ? "IPv4 address" : "IPv6 address";
  return {
    shape: `<${what}>`,
    parse(word) {
      const value = parseIp(word);
      if (value !== undefined && (family === undefined || familyOf(value) === family)) return { ok: true, value };
      return { ok: false, why: `is not an ${what}` };
    },
  };
}

export const choice = <const Names extends readonly string[]>(...names: Names): Arg<Names[number]> => ({
  shape: names.join("|"),
  words: names,
  parse(word) {
    const value = names.find((name) => name === word);
    return value === undefined ? { ok: false, why: `is not one of ${names.join(", ")}` } : { ok: true, value };
  },
});

/** Any case in the file, one spelling in the model. */
export const anyCase = <T extends string>(arg: Arg<T>): Arg<T> => ({
  ...arg,
  parse: (word) => arg.parse(word.toUpperCase()),
});

/** Left out: `value`. */
export const optional = <T, U>(arg: Arg<T>, value: U): Arg<T | U> => ({
  ...(arg.words === undefined ? {} : { words: arg.words }),
  shape: `[${arg.shape}]`,
  parse: (word) => arg.parse(word),
  absent: { value },
});
