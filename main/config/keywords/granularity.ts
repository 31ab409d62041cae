import { isIPv4 } from "node:net";
import type { Family } from "../../address.js";
import type { Context } from "../keyword.js";

/**
 * `persistence_granularity`: a netmask or a prefix length, whichever fits the family; where that is open, the text
 * decides it. For IPv4 keepalived takes whatever inet_aton(3) does, so we do, and say what comes of it.
 */
export function readGranularity(
  value: string,
  known: Family | undefined,
  { at, diagnostics }: Context,
): { readonly text: string; readonly family: Family } | undefined {
  const family = known ?? (value.includes(".") ? "inet" : "inet6");
  const mask = family === "inet" ? dotted(value) : prefix(value);
  if (mask === undefined) {
    const message = `Invalid ${family === "inet" ? "IPv4" : "IPv6"} persistence_granularity specified - ${value}`;
    const hint = family === "inet" ? "write a netmask: 255.255.255.0" : "write a prefix length: 64";
    diagnostics.error("CFG_BAD_VALUE", at, message, hint);
    return undefined;
  }
  if (family === "inet" && !isContiguous(mask)) {
    const message = `persistence_granularity ${value} is the mask ${mask}, which groups clients oddly`;
    diagnostics.warn("CFG_ADVICE", at, message, "write a netmask: 255.255.255.0");
  }
  return { text: mask, family };
}

function dotted(value: string): string | undefined {
  if (isIPv4(value)) return value;
  const number = /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN;
  if (!(number <= 0xffff_ffff)) return undefined;
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join(".");
}

const prefix = (value: string): string | undefined =>
  /^\d{1,3}$/.test(value) && Number(value) >= 1 && Number(value) <= 128 ? String(Number(value)) : undefined;

const isContiguous = (mask: string): boolean =>
  /^1+0*$/.test(
    mask
      .split(".")
      .map((octet) => Number(octet).toString(2).padStart(8, "0"))
      .join(""),
  );
