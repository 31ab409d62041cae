import { familyOf } from "../../address.js";
import { ms } from "../../units.js";
import type { Diagnostics } from "../diagnostics.js";
import { type BfdInstanceDraft, defaultTtl } from "../keywords/bfd-instance.js";
import type { BfdInstanceConfig } from "../model-lvs.js";

/** BFD sessions with defaults, without those that cannot run. */
export function finishBfdInstances(
  drafts: readonly BfdInstanceDraft[],
  diagnostics: Diagnostics,
): readonly BfdInstanceConfig[] {
  const sessions: BfdInstanceConfig[] = [];
  const byNeighbor = new Map<string, BfdInstanceConfig>();
  const byPair = new Map<string, BfdInstanceConfig>();
  for (const draft of drafts) {
    const session = finishBfdInstance(draft, diagnostics);
    if (session === undefined) continue;
    const { sourceAddress: source, neighborAddress: neighbor } = session;
    const pair = (from: string | undefined): string => `${from ?? "any"} ${neighbor}`;
    // Packets of both could not be told apart: a session without source takes them all.
    const clash =
      source === undefined ? byNeighbor.get(neighbor) : (byPair.get(pair(undefined)) ?? byPair.get(pair(source)));
    if (clash === undefined) {
      sessions.push(session);
      byNeighbor.set(neighbor, session);
      byPair.set(pair(source), session);
    } else {
      const of =
        source === undefined ? `neighbor address ${neighbor}` : `source/neighbor address ${source}/${neighbor}`;
      const message = `Configuration error: BFD instance ${session.name} has duplicate ${of}, ignoring instance`;
      diagnostics.error("CFG_DUPLICATE", draft.at, message, `follow ${clash.name}, or give both their own source_ip`);
    }
  }
  return sessions;
}

function finishBfdInstance(draft: BfdInstanceDraft, diagnostics: Diagnostics): BfdInstanceConfig | undefined {
  const { name, at, sourceIp, neighborIp } = draft;
  if (draft.spoiled === true) return undefined; // reported where it stands
  if (neighborIp === undefined) {
    const message = `Configuration error: BFD instance ${name} has no neighbor address set, disabling instance`;
    diagnostics.error("CFG_INCOMPLETE", at, message, "write: neighbor_ip ADDRESS");
    return undefined;
  }
  if (sourceIp !== undefined && familyOf(sourceIp) !== familyOf(neighborIp)) {
    const pair = `source address ${sourceIp} and neighbor address ${neighborIp}`;
    const message = `Configuration error: BFD instance ${name} ${pair} are not of the same family, disabling instance`;
    diagnostics.error("CFG_BAD_VALUE", at, message, "write two IPv4 or two IPv6 addresses");
    return undefined;
  }
  const ttl = draft.ttl ?? defaultTtl(familyOf(neighborIp));
  return {
    at,
    name,
    sourceAddress: sourceIp,
    neighborAddress: neighborIp,
    minRx: draft.minRx ?? ms(10),
    minTx: draft.minTx ?? ms(10),
    idleTx: draft.idleTx ?? ms(1000),
    multiplier: draft.multiplier ?? 5,
    passive: draft.passive ?? false,
    ttl,
    maxHops: maxHopsOf(draft, ttl, diagnostics),
    multihop: draft.multihop ?? false,
    weight: draft.weight ?? 0,
    reverse: draft.reverse ?? false,
    informs: draft.vrrp === draft.checker ? "both" : draft.vrrp === true ? "vrrp" : "checker",
  };
}

function maxHopsOf({ name, at, maxHops = 0 }: BfdInstanceDraft, ttl: number, diagnostics: Diagnostics): number {
  if (maxHops <= ttl) return maxHops;
  const message = `BFD instance ${name}: max_hops exceeds ttl/hoplimit - setting to ttl/hoplimit`;
  diagnostics.warn("CFG_ADJUSTED", at, message, `write: max_hops ${ttl}`);
  return ttl;
}
