import { type Family, familyOf, type IpAddress } from "../../address.js";
import type { Diagnostics } from "../diagnostics.js";
import type { GlobalDraft } from "../keywords/global-defs.js";
import type { VrrpInstanceDraft } from "../keywords/vrrp-instance-draft.js";
import type { UnicastSettings } from "../model-vrrp.js";

export interface InstancePeers {
  readonly sourceAddress: IpAddress | undefined;
  readonly unicastPeers: readonly IpAddress[];
  readonly unicast: UnicastSettings;
}

/** Where adverts come from and go to. */
export function finishPeers(
  draft: VrrpInstanceDraft,
  family: Family,
  global: GlobalDraft,
  diagnostics: Diagnostics,
): InstancePeers {
  const peers = peersOf(draft, family, diagnostics);
  const unicastPeers = [...peers];
  const unicast = peers.size > 0;
  const ttlLimits = draft.unicastPeers
    .filter(({ address, minTtl, maxTtl }) => peers.has(address) && (minTtl ?? maxTtl) !== undefined)
    .map(({ address, minTtl, maxTtl }) => ({ peer: address, least: minTtl ?? 0, most: maxTtl ?? 255 }));
  if (!unicast && draft.unicastTtl !== undefined) {
    const message = `(${draft.name}): Cannot use unicast_ttl without unicast peers - resetting`;
    diagnostics.warn("CFG_ADJUSTED", draft.unicastTtl.at, message, "add unicast_peer { ADDRESS }, or remove it");
  }
  return {
    sourceAddress: sourceOf(draft, family, diagnostics),
    unicastPeers,
    unicast: {
      ttl: unicast ? draft.unicastTtl?.ttl : undefined,
      ttlLimits,
      // A limit of the TTL is a check of the source too.
      checkSource: draft.checkUnicastSource ?? (global.checkUnicastSource === true || ttlLimits.length > 0),
      faultWithoutPeer: draft.unicastFaultNoPeer ?? false,
      oldChecksum: draft.oldUnicastChecksum ?? "detect",
      vrf: draft.interface === undefined ? draft.vrf?.text : undefined,
    },
  };
}

function sourceOf(draft: VrrpInstanceDraft, family: Family, diagnostics: Diagnostics): IpAddress | undefined {
  const { sourceAddress: source, name } = draft;
  if (source === undefined || familyOf(source.address) === family) return source?.address;
  const message = `(${name}): source address ${source.address} is not of the family of the instance - ignoring`;
  diagnostics.error("CFG_BAD_VALUE", source.at, message, `write an ${family === "inet" ? "IPv4" : "IPv6"} address`);
  return undefined;
}

function peersOf(draft: VrrpInstanceDraft, family: Family, diagnostics: Diagnostics): ReadonlySet<IpAddress> {
  const peers = new Set<IpAddress>();
  for (const { address, at } of draft.unicastPeers) {
    const problem = peers.has(address)
      ? "is given twice"
      : familyOf(address) === family
        ? undefined
        : "is not of the family of the instance";
    if (problem === undefined) peers.add(address);
    else {
      const message = `(${draft.name}) unicast peer ${address} ${problem} - skipping`;
      diagnostics.error(
        problem === "is given twice" ? "CFG_DUPLICATE" : "CFG_BAD_VALUE",
        at,
        message,
        "remove the line",
      );
    }
  }
  if (peers.size === 0 && draft.unicastFaultNoPeer === true) {
    const message = `(${draft.name}) Cannot use unicast without any peers - going to fault state`;
    diagnostics.warn("CFG_ADVICE", draft.at, message, "add unicast_peer { ADDRESS }, or remove unicast_fault_no_peer");
  } else if (draft.unicastKeyword === true && peers.size === 0) {
    const sentence = "A unicast keyword has been specified without any unicast peers. Defaulting to multicast.";
    const message = `(${draft.name}) ${sentence} This usage is deprecated - please update your configuration.`;
    diagnostics.warn("CFG_DEPRECATED", draft.at, message, "add unicast_peer { ADDRESS }, or write mcast_src_ip");
  }
  return peers;
}
