import type { IpAddress } from "../../address.js";
import { reportMissing } from "../apply.js";
import { integer } from "../args.js";
import { parseIp } from "../ip.js";
import type { Context } from "../keyword.js";
import type { Word } from "../lexer.js";
import { editDistance } from "../suggest.js";

/** `ADDRESS [PORT]`; `port` undefined when it is left out or 0. */
export interface ServiceAddress {
  readonly address: IpAddress;
  readonly port: number | undefined;
}

/** @returns undefined after reporting; keepalived then skips the block */
export function parseServiceAddress(words: readonly Word[], context: Context): ServiceAddress | undefined {
  const { keyword, at, diagnostics } = context;
  const [host, portWord, surplus] = words;
  if (host === undefined) {
    reportMissing(context, 2, "ADDRESS PORT");
    return undefined;
  }
  // keepalived cuts ranges and prefixes off: `10.0.0.1/24` is 10.0.0.1.
  const cut = host.text.replace(/[-/].*$/s, "");
  const address = parseIp(cut);
  if (address === undefined) {
    const hint = nearFwmark(host.text) ? "did you mean 'fwmark'?" : `write: ${keyword} ADDRESS PORT`;
    diagnostics.error("CFG_BAD_VALUE", host.at, `${keyword} has an invalid address ${host.text} - skipping`, hint);
    return undefined;
  }
  if (cut !== host.text) diagnostics.warn("CFG_ADVICE", host.at, `${host.text} is read as ${address}`);
  if (surplus !== undefined) {
    diagnostics.error("CFG_BRACE", surplus.at, `Block ${keyword} has extra parameters ${surplus.text}`, "remove them");
  }
  const port = portWord === undefined ? { ok: true as const, value: 0 } : integer(0, 65535).parse(portWord.text);
  if (port.ok) return { address, port: port.value === 0 ? undefined : port.value };
  const message = `${keyword} ${address} has an invalid port ${portWord?.text ?? ""} - skipping`;
  diagnostics.error("CFG_BAD_VALUE", portWord?.at ?? at, message, "write a port between 1 and 65535");
  return undefined;
}

const nearFwmark = (text: string): boolean => editDistance(text.slice(0, 10), "fwmark") <= 2;
