import { familyOf } from "../../address.js";
import type { Diagnostics } from "../diagnostics.js";
import type { GroupDraft } from "../keywords/virtual-server-group.js";
import type { VirtualServerGroupConfig } from "../model-lvs.js";

/** Groups that hold something; of two with one name the first counts. */
export function finishGroups(
  drafts: readonly GroupDraft[],
  diagnostics: Diagnostics,
): readonly VirtualServerGroupConfig[] {
  const groups = new Map<string, VirtualServerGroupConfig>();
  for (const { name, at, entries } of drafts) {
    if (entries.length === 0) {
      const message = `virtual server group ${name} has no entries - removing`;
      diagnostics.error("CFG_INCOMPLETE", at, message, "write: ADDRESS PORT, or fwmark NUMBER");
    } else if (isAmbiguous(entries)) {
      const message = `virtual server group ${name} cannot have IPv4, IPv6 and fwmark without family - removing`;
      diagnostics.error("CFG_BAD_VALUE", at, message, "write the family: fwmark NUMBER inet");
    } else if (groups.has(name)) {
      const message = `virtual_server_group ${name} is given twice; the first one is used`;
      diagnostics.warn("CFG_ADVICE", at, message, "give each group its own name");
    } else groups.set(name, { at, name, entries });
  }
  return [...groups.values()];
}

/** A mark takes the family of the addresses beside it. */
function isAmbiguous(entries: GroupDraft["entries"]): boolean {
  const families = new Set(entries.flatMap((entry) => (entry.kind === "addresses" ? familyOf(entry.first) : [])));
  return families.size === 2 && entries.some((entry) => entry.kind === "fwmark" && entry.family === undefined);
}
