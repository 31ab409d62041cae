import type { Diagnostics } from "../diagnostics.js";
import type { VrrpInstanceDraft } from "../keywords/vrrp-instance-draft.js";
import type { SourcePosition } from "../model.js";
import type { HmacConfig } from "../model-vrrp.js";
import type { ConfigHost } from "../ports.js";

interface HmacContext {
  readonly host: ConfigHost;
  readonly diagnostics: Diagnostics;
  readonly strict: boolean;
}

type Key = HmacConfig["keys"][number];

const SHORTEST = 32;
const LONGEST = 64;
/** keepalived.conf(5): a key of 64 bytes in hexadecimal with its prefix, and room for white space. */
const LARGEST_FILE = 1024;
/** Of the freshness window in seconds, when it is not given: three intervals, within these. */
const WINDOW = { intervals: 3, least: 5, most: 300 };

/** `auth_hmac` with defaults; undefined without it, and when there is no key to sign with. */
export function finishHmac(draft: VrrpInstanceDraft, context: HmacContext): HmacConfig | undefined {
  const { hmac, name, at } = draft;
  if (hmac === undefined) return undefined;
  const keys = keysOf(draft, context);
  const { activeKey, mode = "enforce", antiReplay = "time" } = hmac;
  if (activeKey === undefined || !keys.some(({ id }) => id === activeKey)) {
    const which = activeKey === undefined ? "is not given" : `${activeKey} is not defined`;
    const message = `(${name}) auth_hmac: active_key ${which} - adverts are neither signed nor checked`;
    context.diagnostics.error("CFG_BAD_VALUE", at, message, "write: active_key <id of a key>");
    return undefined;
  }
  if (context.strict && mode !== "enforce") {
    const message = `(${name}) auth_hmac: mode ${mode} is incompatible with strict mode - using enforce`;
    context.diagnostics.warn("CFG_ADJUSTED", at, message, "remove mode, or strict_mode");
  }
  const interval = Math.floor((draft.advertInterval ?? 1000) / 1000);
  const usual = Math.min(WINDOW.most, Math.max(WINDOW.least, WINDOW.intervals * interval));
  return {
    keys,
    activeKey,
    windowSeconds: hmac.timeWindow === undefined ? usual : hmac.timeWindow / 1000,
    antiReplay,
    mode: context.strict ? "enforce" : mode,
  };
}

function keysOf({ name, hmac }: VrrpInstanceDraft, context: HmacContext): readonly Key[] {
  const keys: Key[] = [];
  for (const { id, value, at } of hmac?.keys ?? []) {
    const refuse = (why: string, hint: string): void =>
      context.diagnostics.error("CFG_BAD_VALUE", at, `(${name}) auth_hmac: key ${id} ${why} - ignoring`, hint);
    if (keys.some((key) => key.id === id)) {
      refuse("is given twice", "remove one of them, or give it another id");
      continue;
    }
    const text = value.startsWith("file:") ? fromFile(value.slice(5), id, at, name, refuse, context) : value;
    if (text === undefined) continue;
    const bytes = bytesOf(text);
    if (bytes === undefined) refuse("has no hexadecimal digits after hex:", "write two digits 0-9 a-f for each byte");
    else if (bytes.length < SHORTEST || bytes.length > LONGEST)
      refuse(
        `has ${bytes.length} bytes, not ${SHORTEST} to ${LONGEST}`,
        "openssl rand -hex 32 makes one, for: key <id> hex:<digits>",
      );
    else keys.push({ id, bytes });
  }
  return keys;
}

function bytesOf(text: string): Uint8Array | undefined {
  if (!text.startsWith("hex:")) return Uint8Array.from(Buffer.from(text));
  const digits = text.slice(4);
  return /^(?:[0-9a-f]{2})+$/i.test(digits) ? Uint8Array.from(Buffer.from(digits, "hex")) : undefined;
}

/** What the file holds stands for what would be written in its place. */
function fromFile(
  path: string,
  id: number,
  at: SourcePosition,
  name: string,
  refuse: (why: string, hint: string) => void,
  { host, diagnostics }: HmacContext,
): string | undefined {
  const content = host.readFile(path);
  if (content.kind === "unreadable") {
    refuse(`cannot be read: ${content.why}: ${path}`, "check path and owner of the file");
    return undefined;
  }
  if (content.bytes.length > LARGEST_FILE) {
    refuse(`is in a file of ${content.bytes.length} bytes, too large for a key: ${path}`, "name the file of the key");
    return undefined;
  }
  const mode = host.stat(path)?.mode ?? 0;
  if ((mode & 0o077) !== 0) {
    const message = `(${name}) auth_hmac: the file of key ${id} may be used by others than its owner (mode ${mode.toString(8)}): ${path}`;
    diagnostics.warn("CFG_SCRIPT_SECURITY", at, message, `chmod 600 ${path}`);
  }
  return Buffer.from(content.bytes)
    .toString()
    .replace(/[\r\n]/g, "");
}
