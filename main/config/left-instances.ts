import { sameButForPositions } from "./difference.js";
import type { Config, VrrpInstanceConfig } from "./model.js";

/**
 * Instances of earlier configurations that the one of today has not, or has otherwise: a daemon that died may have left on the host
 * what they name.
 */
export function leftInstances(
  earlier: readonly Pick<Config, "vrrpInstances">[],
  { vrrpInstances: now }: Pick<Config, "vrrpInstances">,
): readonly VrrpInstanceConfig[] {
  const left: VrrpInstanceConfig[] = [];
  for (const { vrrpInstances } of earlier)
    for (const [i, one] of vrrpInstances.entries()) {
      const same = (other: VrrpInstanceConfig | undefined): boolean => sameButForPositions(one, other);
      if (!same(now[i]) && !now.some(same) && !left.some(same)) left.push(one); // mostly it is where it was
    }
  return left;
}
