import type { Fields, Ident, Level } from "./log.js";
import { oneLine, type Redactor } from "./log-text.js";

/** One line on its way from the main thread to the log thread. `time` is wall clock, milliseconds since 1970. */
export interface LogRecord {
  readonly time: number;
  readonly level: Level;
  readonly ident: Ident;
  readonly event: string;
  readonly sentence: string;
  readonly fields: Fields;
}

/** syslog(3) severity, and the order in which levels are worse. */
export const severities: Readonly<Record<Level, number>> = {
  alert: 1,
  error: 3,
  warning: 4,
  notice: 5,
  info: 6,
  debug: 7,
};

const idents: readonly Ident[] = ["Keepalived", "Keepalived_vrrp", "Keepalived_healthcheckers", "Keepalived_bfd"];

/** More fields than this are a mistake of the caller; the rest is left out. */
const MAX_FIELDS = 32;

/** Strings of a record pass here once: secrets hidden, control characters escaped, lengths bounded. */
export function tidyRecord(record: LogRecord, redactor: Redactor): LogRecord {
  const entries = Object.entries(record.fields)
    .slice(0, MAX_FIELDS)
    .map(([name, value]) => [oneLine(name, 64), tidyValue(name, value, redactor)]);
  return {
    ...record,
    event: oneLine(record.event, 100),
    sentence: oneLine(redactor.text(record.sentence)),
    fields: Object.fromEntries(entries) as Fields,
  };
}

/** JSON has no NaN and no Infinity; as null they would cost the whole line. */
function tidyValue(name: string, value: Fields[string], redactor: Redactor): Fields[string] {
  if (typeof value === "string") return oneLine(redactor.field(name, value), 500);
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Most records fit; a memory of its own for each would be most of what logging leaves to the collector. */
const scratch = new Uint8Array(16 * 1024);
const BYTES_PER_UNIT = 3; // of UTF-8 per unit of UTF-16, at most

/** A JSON array in UTF-8: [time, level, ident, event, sentence, fields]. Good until the next call. */
export function encodeRecord(r: LogRecord): Uint8Array {
  const text = JSON.stringify([r.time, r.level, r.ident, r.event, r.sentence, r.fields]);
  if (text.length * BYTES_PER_UNIT > scratch.length) return encoder.encode(text);
  return scratch.subarray(0, encoder.encodeInto(text, scratch).written);
}

/** @returns undefined for bytes that `encodeRecord` did not make */
export function decodeRecord(bytes: Uint8Array): LogRecord | undefined {
  const value = parseJson(decoder.decode(bytes));
  if (!Array.isArray(value)) return undefined;
  const [time, level, ident, event, sentence, fields] = value as readonly unknown[];
  if (typeof time !== "number" || typeof event !== "string" || typeof sentence !== "string") return undefined;
  if (!isLevel(level) || !isIdent(ident) || !isFields(fields)) return undefined;
  return { time, level, ident, event, sentence, fields };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isLevel = (value: unknown): value is Level => typeof value === "string" && Object.hasOwn(severities, value);
const isIdent = (value: unknown): value is Ident => idents.some((ident) => ident === value);

function isFields(value: unknown): value is Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((field) => ["string", "number", "boolean"].includes(typeof field));
}
