import { type Family, familyOf } from "../../address.js";
import { ms } from "../../units.js";
import type { Diagnostics } from "../diagnostics.js";
import { isLinkLocal6 } from "../ip.js";
import type { AddressDraft } from "../keywords/address-line.js";
import type { GlobalDraft } from "../keywords/global-defs.js";
import type { VrrpInstanceDraft } from "../keywords/vrrp-instance-draft.js";
import type { SourcePosition, VirtualAddress } from "../model.js";
import type { AddressExtras } from "../model-vrrp.js";
import type { ConfigHost } from "../ports.js";
import { interfaceIsThere, type LookUp } from "./names.js";
import { onDefaultInterface } from "./vrrp-place.js";

export interface InstanceAddresses {
  readonly family: Family;
  readonly virtualAddresses: readonly VirtualAddress[];
  readonly excludedAddresses: readonly VirtualAddress[];
}

/** The first address decides the family, else native_ipv6, a peer or the source address. */
export function familyOfInstance(draft: VrrpInstanceDraft): Family {
  const first = draft.addresses[0]?.address;
  if (first === undefined && draft.nativeIpv6 !== undefined) return "inet6";
  const other = first ?? draft.unicastPeers[0]?.address ?? draft.sourceAddress?.address;
  return other === undefined ? "inet" : familyOf(other);
}

/** What does not fit is left out, as keepalived does. `version` decides how many fit into an advert. */
export function finishAddresses(
  draft: VrrpInstanceDraft,
  family: Family,
  version: 2 | 3,
  lookUp: LookUp & { readonly global: Pick<GlobalDraft, "defaultInterface"> },
): InstanceAddresses {
  const { diagnostics, host, global } = lookUp;
  const usable = (list: readonly AddressDraft[]): readonly AddressDraft[] =>
    onDefaultInterface(list, draft, global.defaultInterface).filter((one) => hasDevice(one, lookUp));
  const own = withoutRepeats(ofFamily(draft, usable(draft.addresses), family, diagnostics), diagnostics);
  const excluded = withoutRepeats(usable(draft.excluded), diagnostics);
  const most = mostAddresses(draft, family, version, host);
  if (own.length > most) {
    const message = `(${draft.name}) ${own.length} addresses do not fit into an advert; the last ${own.length - most} are not advertised`;
    diagnostics.warn("CFG_ADJUSTED", own[most]?.at, message, "move them to virtual_ipaddress_excluded");
  }
  const finish = (one: AddressDraft): VirtualAddress => finishAddress(noRedundantVmac(one, draft, diagnostics), lookUp);
  return {
    family,
    virtualAddresses: own.slice(0, most).map(finish),
    excludedAddresses: [...own.slice(most), ...excluded].map(finish),
  };
}

/** min(255, what an Ethernet frame holds behind all headers): keepalived.conf(5). Without an interface MTU is 1500. */
function mostAddresses(draft: VrrpInstanceDraft, family: Family, version: 2 | 3, host: ConfigHost): number {
  const mtu = draft.interface === undefined ? 1500 : mtuOf(draft.interface.text, host);
  const ah = draft.authType === "AH" && family === "inet" ? 24 : 0;
  const headers =
    14 +
    (family === "inet" ? 20 : 40) +
    8 +
    (version === 2 && family === "inet" ? 8 : 0) +
    ah +
    (draft.hmac === undefined ? 0 : 28);
  return Math.max(0, Math.min(255, Math.floor((mtu - headers) / (family === "inet" ? 4 : 16))));
}

function mtuOf(name: string, host: ConfigHost): number {
  const file = host.readFile(`/sys/class/net/${name}/mtu`);
  const mtu = file.kind === "content" ? Number(Buffer.from(file.bytes).toString()) : Number.NaN;
  return mtu > 0 ? mtu : 1500;
}

/** An address with its scope looked up. */
export function finishAddress(draft: AddressDraft, lookUp: LookUp): VirtualAddress {
  const { address, prefix, dev, label, broadcast } = draft;
  return { address, prefix, dev, label, broadcast, scope: scopeOf(draft, lookUp), more: extrasOf(draft) };
}

function scopeOf({ scope, address }: AddressDraft, { names, diagnostics }: LookUp): number {
  if (scope === undefined) return 0;
  const number = names.find("rt_scopes", scope.text, 255);
  if (number !== undefined) return number;
  const message = `Invalid scope '${scope.text}' specified for ${address}: it is unknown - ignoring`;
  diagnostics.error("CFG_BAD_VALUE", scope.at, message, names.hint("rt_scopes", scope.text));
  return 0;
}

function extrasOf(draft: AddressDraft): AddressExtras {
  const { address, prefix, peer, preferredLifetime } = draft;
  const transient = familyOf(address) === "inet6" && prefix === 128;
  return {
    peer,
    home: draft.home ?? false,
    detectDuplicates: draft.detectDuplicates ?? false,
    managesTemporary: draft.managesTemporary ?? false,
    noPrefixRoute: draft.noPrefixRoute ?? false,
    autojoin: draft.autojoin ?? false,
    tracked: draft.noTrack !== true,
    preferredLifetime:
      preferredLifetime === undefined
        ? transient
          ? ms(0)
          : "forever"
        : preferredLifetime === "forever"
          ? "forever"
          : ms(preferredLifetime.seconds * 1000),
    useVmac: draft.useVmac ?? false,
  };
}

/** use_vmac of an address says nothing when the instance has it for all. */
function noRedundantVmac(one: AddressDraft, draft: VrrpInstanceDraft, diagnostics: Diagnostics): AddressDraft {
  if (one.useVmac !== true) return one;
  const own = one.dev === undefined || one.dev === draft.interface?.text;
  const by =
    draft.vmacForAddresses === true ? "use_vmac_addr" : own && draft.link?.kind === "vmac" ? "use_vmac" : undefined;
  if (by === undefined) return one;
  const message = `(${draft.name}) use_vmac of ${one.address} is specified by ${by} of the instance already - ignoring`;
  diagnostics.warn("CFG_ADJUSTED", one.at, message, "remove use_vmac from the address");
  return { ...one, useVmac: false };
}

function hasDevice({ dev, address, at }: AddressDraft, lookUp: LookUp): boolean {
  return dev === undefined || interfaceIsThere({ text: dev, at }, `ip address ${address}`, lookUp);
}

function ofFamily(
  draft: VrrpInstanceDraft,
  list: readonly AddressDraft[],
  family: Family,
  diagnostics: Diagnostics,
): readonly AddressDraft[] {
  return list.filter(({ address, at }) => {
    if (familyOf(address) === family) return true;
    const message = `(${draft.name}): address family must match VRRP instance [${address}] - ignoring`;
    diagnostics.error("CFG_BAD_VALUE", at, message, "put it into virtual_ipaddress_excluded or an instance of its own");
    return false;
  });
}

function withoutRepeats(list: readonly AddressDraft[], diagnostics: Diagnostics): readonly AddressDraft[] {
  const seen = new Set<string>();
  return list.filter(({ address, dev, at }) => {
    const key = `${address} ${dev ?? ""}`;
    if (!seen.has(key)) {
      seen.add(key);
      return true;
    }
    const message = `address ${address} is given twice; the first one is used`;
    diagnostics.warn("CFG_DUPLICATE", at, message, "remove one of them");
    return false;
  });
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
