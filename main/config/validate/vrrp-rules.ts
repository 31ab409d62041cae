import type { Diagnostics } from "../diagnostics.js";
import type { GlobalDraft } from "../keywords/global-defs.js";
import type { VrrpInstanceDraft } from "../keywords/vrrp-instance-draft.js";
import type { VrrpInstanceConfig } from "../model.js";

interface RuleContext {
  readonly global: GlobalDraft;
  readonly diagnostics: Diagnostics;
  readonly version: 2 | 3;
  readonly strict: boolean;
  /** Priority 255: the address is this router's own. */
  readonly owner: boolean;
  readonly unicast: boolean;
}

type Rules = Pick<VrrpInstanceConfig, "accept" | "lowerPrioNoAdvert" | "higherPrioSendAdvert" | "ownerIgnoreAdverts">;

/** Switches that version, strict mode and ownership override. */
export function finishRules(draft: VrrpInstanceDraft, context: RuleContext): Rules {
  const { global, strict, diagnostics, unicast } = context;
  const adjusted = (message: string, hint: string): void =>
    diagnostics.warn("CFG_ADJUSTED", draft.at, `(${draft.name}) ${message}`, hint);
  if (strict && unicast) {
    adjusted("unicast peers do not comply with strict mode", "remove vrrp_strict or unicast_peer");
  }
  if (strict && draft.lowerPrioNoAdvert === false) {
    adjusted("Strict mode requires no lower priority advert. resetting", "remove lower_prio_no_advert");
  }
  if (strict && draft.higherPrioSendAdvert === true) {
    adjusted("Strict mode requires no advert before yielding. resetting", "remove higher_prio_send_advert");
  }
  const accept = acceptOf(draft, context, adjusted);
  return {
    accept,
    lowerPrioNoAdvert: strict || (draft.lowerPrioNoAdvert ?? global.lowerPrioNoAdvert ?? false),
    higherPrioSendAdvert: !strict && (draft.higherPrioSendAdvert ?? global.higherPrioSendAdvert ?? false),
    ownerIgnoreAdverts: ignoresAdverts(draft, context, adjusted),
  };
}

function acceptOf(
  draft: VrrpInstanceDraft,
  { strict, owner, version }: RuleContext,
  adjusted: (message: string, hint: string) => void,
): boolean {
  if (strict && version === 2 && !owner && draft.accept === true) {
    const sentence = "warning - accept mode for VRRP version 2 does not comply with RFC3768 - resetting";
    adjusted(sentence, "remove accept or vrrp_strict");
    return false;
  }
  return draft.accept ?? (!strict || owner);
}

function ignoresAdverts(
  draft: VrrpInstanceDraft,
  { strict, owner, global }: RuleContext,
  adjusted: (message: string, hint: string) => void,
): boolean {
  if (!owner && draft.ownerIgnoreAdverts === true) {
    adjusted("owner_ignore_adverts is only for priority 255 - resetting", "remove it");
  }
  // keepalived also overrides an explicit `off` when not strict; that is no help to anyone.
  return owner && (strict || (draft.ownerIgnoreAdverts ?? global.ownerIgnoreAdverts ?? false));
}
