import type { GlobalConfig } from "../model.js";
import type { FifoConfig } from "../model-global.js";
import { type ConfWriter, userWords } from "./conf-writer.js";
import { inSeconds } from "./seconds.js";

/** Who runs scripts, and the scripts of the process itself. */
export function showScripts({ scripts, enableScriptSecurity }: GlobalConfig, out: ConfWriter): void {
  if (scripts.user !== undefined) out.line("script_user", ...userWords(scripts.user));
  out.flag("enable_script_security", enableScriptSecurity);
  out.onOff("use_symlink_paths", scripts.useSymlinkPaths);
  out.onOff("set_supplementary_groups", scripts.supplementaryGroups);
  out.script("startup_script", scripts.startup);
  out.line("startup_script_timeout", inSeconds(scripts.startupTimeout));
  out.script("shutdown_script", scripts.shutdown);
  out.line("shutdown_script_timeout", inSeconds(scripts.shutdownTimeout));
}

export function showFifos({ fifos }: GlobalConfig, out: ConfWriter): void {
  showFifo("notify_fifo", fifos.all, out);
  showFifo("vrrp_notify_fifo", fifos.vrrp, out);
  showFifo("lvs_notify_fifo", fifos.lvs, out);
  out.flag("fifo_write_vrrp_states_on_reload", fifos.statesOnReload);
}

function showFifo(keyword: string, { path, owner, script }: FifoConfig, out: ConfWriter): void {
  if (path !== undefined) out.line(keyword, path, ...(owner === undefined ? [] : userWords(owner)));
  out.script(`${keyword}_script`, script);
}
