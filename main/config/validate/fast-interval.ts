import { ms } from "../../units.js";
import type { Diagnostics } from "../diagnostics.js";
import type { TimingDraft } from "../keywords/timing.js";
import type { SourcePosition } from "../model.js";

/**
 * A fast interval that is the slower one. Told of the innermost block that says one of the two, so once for a service whose
 * servers say nothing.
 * @param outer the blocks around `block`, innermost first
 */
export function noteFastInterval(
  block: TimingDraft & { readonly at: SourcePosition },
  outer: readonly TimingDraft[],
  diagnostics: Diagnostics,
): void {
  if (block.fastInterval === undefined && block.delayLoop === undefined) return;
  const around = [block, ...outer];
  const fast = around.find(({ fastInterval }) => fastInterval !== undefined)?.fastInterval;
  const usual = around.find(({ delayLoop }) => delayLoop !== undefined)?.delayLoop ?? DELAY_LOOP;
  if (fast === undefined || fast <= usual) return;
  const message = `fast_interval of ${fast / 1000} s is longer than delay_loop of ${usual / 1000} s: a failing server is checked less often`;
  diagnostics.warn("CFG_ADVICE", block.at, message, "write a fast_interval below delay_loop");
}

/** Where no block says one. */
export const DELAY_LOOP = ms(60_000);
