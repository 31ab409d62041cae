import { familyOf } from "../../address.js";
import type { LinkDraft, VrrpInstanceDraft } from "../keywords/vrrp-instance-draft.js";
import type { VirtualInterface, VirtualInterfaceSettings } from "../model-vrrp.js";
import { type LookUp, numberOf } from "./names.js";

interface LinkContext extends LookUp {
  readonly family: "inet" | "inet6";
  readonly strict: boolean;
  readonly unicast: boolean;
}

/** The virtual interface of an instance, with keepalived's corrections. */
export function finishLink(draft: VrrpInstanceDraft, context: LinkContext): VirtualInterfaceSettings {
  const { strict, unicast, diagnostics } = context;
  const own = ownLink(draft, context);
  const adjusted = (message: string, hint: string): void =>
    diagnostics.warn("CFG_ADJUSTED", draft.link?.at ?? draft.at, `(${draft.name}) ${message}`, hint);
  let transmitBase = draft.transmitBase ?? false;
  if (transmitBase && own === undefined) {
    adjusted("vmac_xmit_base is only valid with a vmac - resetting", "write use_vmac, or remove it");
    transmitBase = false;
  } else if (transmitBase && strict) {
    adjusted("xmit_base is incompatible with strict mode - resetting", "remove vmac_xmit_base or strict_mode");
    transmitBase = false;
  } else if (!transmitBase && own !== undefined && unicast) {
    const word = own.kind === "vmac" ? "use_vmac" : "use_ipvlan";
    adjusted(`unicast with ${word} requires vmac_xmit_base - setting`, "write vmac_xmit_base");
    transmitBase = true;
  }
  return { own, forAddresses: draft.vmacForAddresses ?? false, transmitBase };
}

function ownLink(draft: VrrpInstanceDraft, context: LinkContext): VirtualInterface | undefined {
  const { name, link } = draft;
  if (link === undefined || draft.interface !== undefined) return link && interfaceOf(draft, link, context);
  const word = link.kind === "vmac" ? "use_vmac" : "use_ipvlan";
  const message = `(${name}) ${word} needs an interface below it - ignoring`;
  context.diagnostics.warn("CFG_ADJUSTED", link.at, message, `write interface NAME, or remove ${word}`);
  return undefined;
}

/** The kernel sets it for a macvlan itself. */
export function finishPromotion(
  draft: VrrpInstanceDraft,
  own: VirtualInterface | undefined,
  { diagnostics }: LookUp,
): boolean {
  if (draft.promoteSecondaries !== true || own?.kind !== "vmac") return draft.promoteSecondaries ?? false;
  const message = `(${draft.name}) promote_secondaries is automatically set for vmacs - ignoring`;
  diagnostics.warn("CFG_ADJUSTED", draft.at, message, "remove promote_secondaries");
  return false;
}

function interfaceOf(draft: VrrpInstanceDraft, link: LinkDraft, context: LinkContext): VirtualInterface {
  const { family, strict, diagnostics } = context;
  const says = `(${draft.name}) link group ${link.group?.text} is not found - ignoring`;
  const group = link.group === undefined ? undefined : numberOf("group", link.group, 0xffff_ffff, says, context);
  const name = link.name === undefined || isFree(draft, link, context) ? link.name : undefined;
  if (link.kind === "vmac") {
    const mac = strict ? undefined : link.mac;
    if (strict && link.mac !== undefined) {
      const message = `(${draft.name}) the MAC address of use_vmac is incompatible with strict mode - ignoring`;
      diagnostics.warn("CFG_ADJUSTED", link.at, message, "remove the address or strict_mode");
    }
    return { kind: "vmac", name, mac, netlinkNotify: link.notify ?? false, group };
  }
  const { address } = link;
  const fits = address === undefined || familyOf(address.address) === family;
  if (address !== undefined && !fits) {
    const message = `(${draft.name}) ipvlan address[${address.address}] MUST match vrrp instance family - ignoring`;
    diagnostics.error("CFG_BAD_VALUE", address.at, message, `write an ${family === "inet" ? "IPv4" : "IPv6"} address`);
  }
  if (family === "inet" && (address === undefined || !fits) && draft.sourceAddress === undefined) {
    const message = `(${draft.name}) IPv4 ipvlan requires a source ip address to be configured - the instance stays in fault`;
    diagnostics.error("CFG_INCOMPLETE", link.at, message, "write: use_ipvlan <address>/<prefix>");
  }
  return {
    kind: "ipvlan",
    name,
    address: fits && address !== undefined ? { address: address.address, prefix: address.prefix } : undefined,
    mode: link.mode ?? "bridge",
    group,
  };
}

/** A macvlan of before is taken over; sysfs shows the interface below it. What sysfs does not show is believed. */
function isFree(draft: VrrpInstanceDraft, { name = "", at }: LinkDraft, { host, diagnostics }: LinkContext): boolean {
  const about = host.interfaceExists(name) ? host.list(`/sys/class/net/${name}`) : [];
  if (about.length === 0 || about.some((entry) => entry.startsWith("lower_"))) return true;
  const message = `(${draft.name}) interface ${name} already exists and is not a private macvlan; ignoring vmac if_name`;
  diagnostics.error("CFG_BAD_VALUE", at, message, "choose another name");
  return false;
}
