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

const portArg = integer(0, 65535);

/** @returns undefined after reporting; keepalived then skips the block or the line */
export function parseServiceAddress(words: readonly Word[], context: Context): ServiceAddress | undefined {
  const { keyword, diagnostics } = context;
  const [host, portWord] = words;
  if (host === undefined) {
    reportMissing(context, 2, "ADDRESS PORT");
    return undefined;
  }
  const address = parseIp(host.text) ?? parseCut(host, context);
  if (address === undefined) {
    const hint = nearFwmark(host.text) ? "did you mean 'fwmark'?" : `write: ${keyword} ADDRESS PORT`;
    diagnostics.error("CFG_BAD_VALUE", host.at, `${keyword} has an invalid address ${host.text} - skipping`, hint);
    return undefined;
  }
  if (portWord === undefined) return { address, port: undefined };
  const port = portArg.parse(portWord.text);
  if (port.ok && port.note === undefined) return { address, port: port.value === 0 ? undefined : port.value };
  const message = `${keyword} ${address} has an invalid port ${portWord.text} - skipping`;
  diagnostics.error("CFG_BAD_VALUE", portWord.at, message, "write a port between 1 and 65535");
  return undefined;
}

/** keepalived cuts ranges and prefixes off: `10.0.0.1/24` is 10.0.0.1. */
function parseCut(host: Word, { diagnostics }: Context): IpAddress | undefined {
  const address = parseIp(host.text.replace(/[-/].*$/s, ""));
  if (address !== undefined) {
    const hint = "a virtual_server_group has ranges and prefixes";
    diagnostics.warn("CFG_ADVICE", host.at, `${host.text} is read as ${address}`, hint);
  }
  return address;
}

/** A word between what names a block and its `{`: keepalived ignores it. */
export function adviseSurplus(surplus: Word | undefined, { keyword, diagnostics }: Context): void {
  if (surplus === undefined) return;
  diagnostics.warn("CFG_ADVICE", surplus.at, `'${surplus.text}' before the { of ${keyword} is ignored`, "remove it");
}

const nearFwmark = (text: string): boolean => editDistance(text.slice(0, 10), "fwmark") <= 2;
