import { ms } from "../../units.js";
import type { Diagnostics } from "../diagnostics.js";
import type { GlobalDraft } from "../keywords/global-defs.js";
import type { VirtualServerDraft } from "../keywords/virtual-server.js";
import type { VirtualServerConfig } from "../model.js";
import { DELAY_LOOP } from "./fast-interval.js";

const LEAST_CONFIRM = 10_000;

/** That of the virtual server, else that of global_defs. */
export function removalFloorOf(
  draft: VirtualServerDraft,
  name: string,
  global: GlobalDraft,
  diagnostics: Diagnostics,
): Pick<VirtualServerConfig, "removalFloor"> {
  const floor = draft.removalFloor ?? global.removalFloor ?? "off";
  if (floor === "off" || floor.percent === 100) return {};
  const again = draft.fastInterval ?? draft.delayLoop ?? DELAY_LOOP;
  const { percent, confirm = ms(Math.max(LEAST_CONFIRM, 2 * again)) } = floor;
  if (confirm < again) {
    const message = `Virtual server ${name}: removal_floor confirms after ${confirm / 1000} s, but checks come every ${again / 1000} s: no second check confirms anything`;
    diagnostics.warn("CFG_ADVICE", draft.at, message, `write: removal_floor ${percent}% confirm ${(2 * again) / 1000}`);
  }
  return { removalFloor: { percent, confirm } };
}
