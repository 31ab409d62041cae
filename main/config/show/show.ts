import type { Config } from "../model.js";
import { showBfdInstances } from "./bfd.js";
import { ConfWriter } from "./conf-writer.js";
import { showGlobal } from "./global.js";
import { showLvs } from "./lvs.js";
import { showVrrp } from "./vrrp.js";

export interface ShowOptions {
  /** False: passwords and keys are written as `<hidden>`. */
  readonly secrets: boolean;
}

/** The effective configuration as keepalived.conf: includes, definitions and defaults filled in. Reading it gives an equal one. */
export function showConfig(config: Config, options: ShowOptions): string {
  const out = new ConfWriter();
  showGlobal(config, out, options);
  showBfdInstances(config.bfdInstances, out);
  showVrrp(config, out, options);
  showLvs(config, out, options);
  return out.toString();
}
