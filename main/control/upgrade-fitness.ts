import { readSync } from "node:fs";
import { STATE_FD } from "./state-pieces.js";
import { isForeign, SLAB_HEAD } from "./state-slab.js";

/** Of native-bindings/launcher/PROTOCOL.md: what this version speaks. The launcher stays in an upgrade. */
const PROTOCOL = "1";

/** Why a spare of this version cannot go on where the daemon ends: the launcher would be too old, or what is remembered would be lost. */
export function whyUnfit(protocol: string | undefined, stateHead: Buffer): string | undefined {
  if (protocol !== PROTOCOL)
    return `it needs another launcher than the one that runs (protocol ${protocol ?? "0"} instead of ${PROTOCOL}) - restart the service`;
  if (isForeign(stateHead)) return "it cannot read the state of the version that runs - restart the service";
  return undefined;
}

/** At its place: the memory is shared, so is its offset. */
export function readStateHead(): Buffer {
  const head = Buffer.alloc(SLAB_HEAD);
  readSync(STATE_FD, head, 0, SLAB_HEAD, 0);
  return head;
}
