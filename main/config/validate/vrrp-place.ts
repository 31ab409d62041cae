import type { IpAddress } from "../../address.js";
import type { Diagnostics } from "../diagnostics.js";
import { isLinkLocal6 } from "../ip.js";
import type { AddressDraft } from "../keywords/address-line.js";
import type { Named } from "../keywords/named.js";
import type { VrrpInstanceDraft } from "../keywords/vrrp-instance-draft.js";
import type { LookUp } from "./names.js";
import type { InstancePeers } from "./vrrp-unicast.js";

/** Name of the interface that an instance runs on; empty for unicast that the host's routes carry. Undefined: neither, reported. */
export function finishPlace(
  draft: VrrpInstanceDraft,
  { sourceAddress, unicastPeers, unicast }: InstancePeers,
  lookUp: LookUp,
): string | undefined {
  const { name, at, interface: given, vrf } = draft;
  if (given !== undefined) {
    mayBeMissing(given, name, lookUp);
    return given.text;
  }
  const { diagnostics } = lookUp;
  if (sourceAddress === undefined || (unicastPeers.length === 0 && !unicast.faultWithoutPeer)) {
    const hint = "write: interface NAME, or unicast_src_ip and unicast_peer; the instance is left out";
    diagnostics.error("CFG_INCOMPLETE", at, `(${name}) Unknown interface!`, hint);
    return undefined;
  }
  const local = [sourceAddress, ...unicastPeers].find(isLinkLocal6);
  if (local !== undefined) return refuseLinkLocal(draft, local, diagnostics);
  if (vrf !== undefined) mayBeMissing(vrf, name, lookUp);
  return "";
}

/** A link-local address means another host on each interface. */
function refuseLinkLocal({ name, at }: VrrpInstanceDraft, address: IpAddress, diagnostics: Diagnostics): undefined {
  const message = `(${name}) ${address} is link-local: unicast needs an interface with it`;
  const hint = "write: interface NAME, or other addresses; the instance is left out";
  diagnostics.error("CFG_INCOMPLETE", at, message, hint);
}

/** The instance waits for it in FAULT. */
function mayBeMissing({ text, at }: Named, instance: string, { dynamic, host, diagnostics }: LookUp): void {
  if (text === "lo") {
    const message = `(${instance}) VRRP on the loopback interface reaches nobody but this host`;
    diagnostics.warn("CFG_INTERFACE", at, message, "keepalived refuses it; name a network interface");
  } else if (!host.interfaceExists(text)) {
    const message = `WARNING - interface ${text} for vrrp_instance ${instance} doesn't exist`;
    const hint = "correct the name (ip link lists them); the instance is in FAULT until the interface appears";
    if (dynamic) diagnostics.warn("CFG_ADVICE", at, message, hint);
    else diagnostics.error("CFG_INTERFACE", at, message, `${hint}; dynamic_interfaces in global_defs allows that`);
  }
}

/** Without an interface of the instance, an address that names none either is on the default one: keepalived.conf(5) interface. */
export const onDefaultInterface = (
  list: readonly AddressDraft[],
  draft: Pick<VrrpInstanceDraft, "interface">,
  defaultInterface = "eth0",
): readonly AddressDraft[] =>
  draft.interface !== undefined ? list : list.map((one) => ({ ...one, dev: one.dev ?? defaultInterface }));
