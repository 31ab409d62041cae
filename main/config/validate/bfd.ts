import { familyOf, type IpAddress } from "../../address.js";
import { ms } from "../../units.js";
import type { Diagnostics } from "../diagnostics.js";
import { isLinkLocal6, isMulticast } from "../ip.js";
import { type BfdInstanceDraft, leastTtlOf, STANDARD_TTL, takenTtl } from "../keywords/bfd-instance.js";
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

/** keepalived takes them. Packets to 0.0.0.0 and :: come back to this host: the session would be up with itself. */
const isNobodys = (address: IpAddress): boolean =>
  ["0.0.0.0", "::", "255.255.255.255"].includes(address) || isMulticast(address, familyOf(address));

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
  const local = [neighborIp, sourceIp].find((address) => address !== undefined && isLinkLocal6(address));
  if (local !== undefined) {
    const message = `BFD instance ${name}: ${local} is a link-local address, and nothing says on which interface: the session stays down`;
    diagnostics.warn("CFG_ADVICE", at, message, "write global or unique local addresses (fd00::/8) at both ends");
  }
  if (isNobodys(neighborIp)) {
    const message = `BFD instance ${name}: neighbor address ${neighborIp} is no address of a neighbor - the session tells nothing`;
    diagnostics.warn("CFG_ADVICE", at, message, "write the unicast address of the neighbor");
  }
  const taken = draft.ttl ?? takenTtl(familyOf(neighborIp));
  const maxHops = maxHopsOf(draft, taken, diagnostics);
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
    ttl: draft.ttl ?? STANDARD_TTL,
    maxHops,
    leastTtl: leastTtlOf(taken, maxHops),
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
