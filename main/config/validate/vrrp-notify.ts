import type { NotifyEvent, VrrpInstanceDraft } from "../keywords/vrrp-instance-draft.js";
import type { VrrpNotifyConfig } from "../model.js";
import type { ScriptResolver } from "../scripts.js";

/** The scripts of an instance or a sync group; those that may not run are left out, with a message. */
export function finishNotify(
  lines: VrrpInstanceDraft["notify"],
  of: string,
  resolver: ScriptResolver,
): VrrpNotifyConfig {
  const command = (event: NotifyEvent) => {
    const line = lines[event];
    return line === undefined ? undefined : resolver.resolve(line, `${line.keyword} script of ${of}`);
  };
  return {
    all: command("all"),
    master: command("master"),
    backup: command("backup"),
    fault: command("fault"),
    stop: command("stop"),
  };
}
