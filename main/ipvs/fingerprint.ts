import type { TunnelConfig } from "../config/model-lvs.js";
import { type Destination, type Service, sameDestination } from "./table.js";

/** What can be changed of an entry in place, in the words of ipvsadm(8): for logs, and as the source of its fingerprint. */
export function serviceText(service: Service): string {
  const { scheduler, flags, timeoutSeconds, persistenceEngine } = service;
  const persistence = timeoutSeconds === 0 ? "" : ` persistent ${timeoutSeconds}`;
  const engine = persistenceEngine === "" ? "" : ` pe ${persistenceEngine}`;
  return `scheduler ${scheduler} flags 0x${flags.toString(16)}${persistence} netmask ${netmaskText(service)}${engine}`;
}

export function destinationText(destination: Destination): string {
  const { weight, forwarding, upperThreshold, lowerThreshold, tunnel } = destination;
  const thresholds = upperThreshold + lowerThreshold === 0 ? "" : ` thresholds ${upperThreshold}/${lowerThreshold}`;
  return `weight ${weight} ${forwarding}${tunnel === undefined ? "" : tunnelText(tunnel)}${thresholds}`;
}

const tunnelText = ({ type, port, checksum }: TunnelConfig): string =>
  ` ${type}${type === "gue" ? ` port ${port}` : ""} ${checksum}`;

/** 32 bits that tell whether an entry is as we last wrote it; small enough for the state that outlives a crash. */
export const servicePrint = (service: Service): number => fnv1a(serviceText(service));
export function destinationPrint(destination: Destination): number {
  if (last === undefined || !sameDestination(last.destination, destination))
    last = { destination, print: fnv1a(destinationText(destination)) };
  return last.print;
}

/** A destination as we last wrote it; its print where a process before us did, which left us no more than that. */
export type Written = Destination | number;

export const isAsWritten = (written: Written, destination: Destination): boolean =>
  typeof written === "number" ? written === destinationPrint(destination) : sameDestination(written, destination);

export const printOf = (written: Written): number =>
  typeof written === "number" ? written : destinationPrint(written);

/** Neighbours mostly have the same weight and method. */
let last: { readonly destination: Destination; readonly print: number } | undefined;

function netmaskText({ family, netmask }: Service): string {
  if (family === "inet6") return `/${netmask}`;
  return [24, 16, 8, 0].map((shift) => (netmask >>> shift) & 255).join(".");
}

/** FNV-1a, 32 bits, over the character codes. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
