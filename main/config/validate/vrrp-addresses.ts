import { type Family, familyOf, type IpAddress } from "../../address.js";
import type { Diagnostics } from "../diagnostics.js";
import { isLinkLocal6 } from "../ip.js";
import type { VrrpInstanceDraft } from "../keywords/vrrp-instance.js";
import type { SourcePosition, VirtualAddress } from "../model.js";
import type { ConfigHost } from "../ports.js";

interface Placed {
  readonly address: VirtualAddress;
  readonly at: SourcePosition;
}

export interface InstanceAddresses {
  readonly family: Family;
  readonly virtualAddresses: readonly VirtualAddress[];
  readonly excludedAddresses: readonly VirtualAddress[];
  readonly sourceAddress: IpAddress | undefined;
  readonly unicastPeers: readonly IpAddress[];
}

/** The first address decides the family; what does not fit is left out, as keepalived does. */
export function finishAddresses(
  draft: VrrpInstanceDraft,
  context: { readonly host: ConfigHost; readonly dynamic: boolean; readonly diagnostics: Diagnostics },
): InstanceAddresses {
  const { diagnostics } = context;
  const first = draft.addresses[0]?.address.address ?? draft.unicastPeers[0]?.address ?? draft.sourceAddress?.address;
  const family = first === undefined ? "inet" : familyOf(first);
  const present = (list: readonly Placed[]): readonly Placed[] =>
    list.filter(
      ({ address, at }) => address.dev === undefined || deviceExists(address.dev, address.address, at, context),
    );
  const own = withoutRepeats(ofFamily(draft, present(draft.addresses), family, diagnostics), diagnostics);
  const excluded = withoutRepeats(present(draft.excluded), diagnostics);
  const most = mostAddresses(family);
  if (own.length > most) {
    const message = `(${draft.name}) ${own.length} addresses do not fit into an advert; the last ${own.length - most} are not advertised`;
    diagnostics.warn("CFG_ADJUSTED", own[most]?.at, message, "move them to virtual_ipaddress_excluded");
  }
  return {
    family,
    virtualAddresses: own.slice(0, most).map(({ address }) => address),
    excludedAddresses: [...own.slice(most), ...excluded].map(({ address }) => address),
    sourceAddress: sourceOf(draft, family, diagnostics),
    unicastPeers: peersOf(draft, family, diagnostics),
  };
}

/** min(255, (1500 - 14 - IP header - 8 - 8 of v2) / address size): keepalived.conf(5). */
const mostAddresses = (family: Family): number => (family === "inet" ? 255 : 89);

function deviceExists(
  device: string,
  address: string,
  at: SourcePosition,
  { host, dynamic, diagnostics }: { host: ConfigHost; dynamic: boolean; diagnostics: Diagnostics },
): boolean {
  if (dynamic || host.interfaceExists(device)) return true;
  const message = `WARNING - interface ${device} for ip address ${address} doesn't exist - removing the address`;
  diagnostics.error("CFG_INTERFACE", at, message, "correct the name, or write dynamic_interfaces into global_defs");
  return false;
}

function ofFamily(
  draft: VrrpInstanceDraft,
  list: readonly Placed[],
  family: Family,
  diagnostics: Diagnostics,
): readonly Placed[] {
  return list.filter(({ address, at }) => {
    if (familyOf(address.address) === family) return true;
    const message = `(${draft.name}): address family must match VRRP instance [${address.address}] - ignoring`;
    diagnostics.error("CFG_BAD_VALUE", at, message, "put it into virtual_ipaddress_excluded or an instance of its own");
    return false;
  });
}

function withoutRepeats(list: readonly Placed[], diagnostics: Diagnostics): readonly Placed[] {
  const seen = new Set<string>();
  return list.filter(({ address: { address, dev }, at }) => {
    const key = `${address} ${dev ?? ""}`;
    if (!seen.has(key)) {
      seen.add(key);
      return true;
    }
    diagnostics.warn(
      "CFG_ADVICE",
      at,
      `address ${address} is given twice; the first one is used`,
      "remove one of them",
    );
    return false;
  });
}

function sourceOf(draft: VrrpInstanceDraft, family: Family, diagnostics: Diagnostics): IpAddress | undefined {
  const { sourceAddress: source, name } = draft;
  if (source === undefined || familyOf(source.address) === family) return source?.address;
  const message = `(${name}): source address ${source.address} is not of the family of the instance - ignoring`;
  diagnostics.error("CFG_BAD_VALUE", source.at, message, `write an ${family === "inet" ? "IPv4" : "IPv6"} address`);
  return undefined;
}

function peersOf(draft: VrrpInstanceDraft, family: Family, diagnostics: Diagnostics): readonly IpAddress[] {
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
  if (draft.unicastKeyword === true && peers.size === 0) {
    const sentence = "A unicast keyword has been specified without any unicast peers. Defaulting to multicast.";
    const message = `(${draft.name}) ${sentence} This usage is deprecated - please update your configuration.`;
    diagnostics.warn("CFG_DEPRECATED", draft.at, message, "add unicast_peer { ADDRESS }, or write mcast_src_ip");
  }
  return [...peers];
}

/** RFC 5798 §5.2.9: the first IPv6 address is the link-local one. */
export function warnUnlessLinkLocal(
  name: string,
  at: SourcePosition,
  addresses: InstanceAddresses,
  diagnostics: Diagnostics,
): void {
  const first = addresses.virtualAddresses[0]?.address;
  if (addresses.family !== "inet6" || first === undefined || isLinkLocal6(first)) return;
  const message = `(${name}) the first IPv6 address must be link-local in strict mode, ${first} is not`;
  diagnostics.warn("CFG_ADJUSTED", at, message, "put the fe80:: address first");
}
