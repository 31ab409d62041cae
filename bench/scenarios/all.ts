import { advertJitter } from "./advert-jitter.js";
import { checkCost } from "./check-cost.js";
import { checkRate } from "./check-rate.js";
import { checkScale } from "./check-scale.js";
import { coldStart } from "./cold-start.js";
import { ipvsRate } from "./ipvs-rate.js";
import { massFailure } from "./mass-failure.js";
import { miscStorm } from "./misc-storm.js";
import { reload } from "./reload.js";
import type { Scenario } from "./scenario.js";
import { stall } from "./stall.js";
import { vrrpFailover } from "./vrrp-failover.js";
import { vrrpScale } from "./vrrp-scale.js";
import { vrrpStart } from "./vrrp-start.js";
import { vrrpStop } from "./vrrp-stop.js";

/** In the order of docs/performance.md. */
export const scenarios: readonly Scenario[] = [
  checkCost,
  checkRate,
  checkScale,
  massFailure,
  miscStorm,
  reload,
  stall,
  advertJitter,
  ipvsRate,
  coldStart,
  vrrpFailover,
  vrrpStop,
  vrrpScale,
  vrrpStart,
];
