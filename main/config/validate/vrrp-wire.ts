import { type Family, familyOf, type IpAddress } from "../../address.js";
import type { Diagnostics } from "../diagnostics.js";
import { isMulticast } from "../ip.js";
import type { GlobalDraft } from "../keywords/global-defs.js";
import type { VrrpInstanceDraft } from "../keywords/vrrp-instance-draft.js";
import type { WireSettings } from "../model-vrrp.js";
import type { ConfigHost } from "../ports.js";
import { finishHmac } from "./vrrp-hmac.js";

interface WireContext {
  readonly global: GlobalDraft;
  readonly host: ConfigHost;
  readonly diagnostics: Diagnostics;
  readonly family: Family;
  readonly version: 2 | 3;
  readonly strict: boolean;
  readonly unicast: boolean;
}

type Wire = { readonly wire: WireSettings; readonly authPass: string | undefined };

/** How adverts are sent and protected, with keepalived's corrections. */
export function finishWire(draft: VrrpInstanceDraft, context: WireContext): Wire {
  const hmac = finishHmac(draft, context);
  const authPass = passwordOf(draft, hmac !== undefined, context);
  return {
    authPass,
    wire: {
      ah: authPass !== undefined && draft.authType === "AH",
      hmac,
      group: groupOf(draft, context),
      checksumAsV2:
        context.version === 3 &&
        context.family === "inet" &&
        (draft.v3ChecksumAsV2 ?? context.global.v3ChecksumAsV2 ?? false),
    },
  };
}

function passwordOf(
  draft: VrrpInstanceDraft,
  hmac: boolean,
  { family, version, strict, diagnostics }: WireContext,
): string | undefined {
  const { name, at, authType, authPass } = draft;
  if (authType === undefined && authPass === undefined) return undefined;
  const ignored = (sentence: string, hint: string): undefined => {
    diagnostics.warn("CFG_ADJUSTED", at, `(${name}) ${sentence}`, hint);
    return undefined;
  };
  if (version === 3)
    return ignored("VRRP version 3 does not support authentication. Ignoring.", "remove authentication");
  if (strict) {
    return ignored("Strict mode does not support authentication. Ignoring.", "remove authentication or vrrp_strict");
  }
  if (hmac) return ignored("authentication and auth_hmac: the latter is used", "remove the block authentication");
  if (authType === "AH" && family === "inet6")
    return ignored("auth_type AH is not for IPv6. Ignoring.", "write auth_hmac instead");
  if (authPass === undefined || authPass === "") {
    return ignored("authentication without auth_pass. Ignoring.", "write: auth_pass PASSWORD");
  }
  if (authType !== undefined && family === "inet6") {
    const message = `(${name}) auth_type PASS protects nothing over IPv6: adverts have no room for the password there`;
    diagnostics.warn(
      "CFG_ADVICE",
      at,
      message,
      "write auth_hmac, or remove authentication: keepalived drops such adverts",
    );
  }
  if (authType !== undefined) return authPass;
  // keepalived does not authenticate then, and says nothing.
  diagnostics.warn("CFG_ADVICE", at, `(${name}) authentication without auth_type. Ignoring.`, "write: auth_type PASS");
  return undefined;
}

function groupOf(draft: VrrpInstanceDraft, { family, unicast, diagnostics }: WireContext): IpAddress | undefined {
  const { name, multicastGroup: given } = draft;
  if (given === undefined) return undefined;
  const { address, at } = given;
  const refuse = (why: string, hint: string): undefined => {
    diagnostics.error("CFG_BAD_VALUE", at, `(${name}) mcast_dst_ip ${address} ${why} - ignoring`, hint);
    return undefined;
  };
  if (unicast) return refuse("cannot be used with unicast peers", "remove it or unicast_peer");
  if (familyOf(address) !== family)
    return refuse("is not of the family of the instance", `write an ${family === "inet" ? "IPv4" : "IPv6"} group`);
  if (!isMulticast(address, family)) return refuse("is not a multicast address", "write a multicast group");
  if (family === "inet6" && !/^ff.2:/.test(address))
    return refuse("is not link-local multicast", "write a group in ff02::/16");
  return address;
}
