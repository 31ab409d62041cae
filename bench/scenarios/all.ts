import { advertJitter } from "./advert-jitter.js";
import { checkCost } from "./check-cost.js";
import { checkRate } from "./check-rate.js";
import { checkScale } from "./check-scale.js";
import { coldStart } from "./cold-start.js";
import { ipvsRate } from "./ipvs-rate.js";
import { massFailure } from "./mass-failure.js";
import type { Scenario } from "./scenario.js";
import { stall } from "./stall.js";

/** In the order of docs/performance.md. */
export const scenarios: readonly Scenario[] = [
  checkCost,
  checkRate,
  checkScale,
  massFailure,
  stall,
  advertJitter,
  ipvsRate,
  coldStart,
];
