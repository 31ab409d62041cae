import type { Config } from "../model.js";
import type { GroupEntry, LvsSections } from "../model-lvs.js";
import type { ConfWriter } from "./conf-writer.js";
import type { ShowOptions } from "./show.js";
import { showService } from "./virtual-server.js";

/** The LVS side. Sessions stand elsewhere: what follows them must come after them (showBfdInstances). */
export function showLvs(config: Config, out: ConfWriter, options: ShowOptions): void {
  showTls(config.checkerTls, out, options);
  for (const { name, entries } of config.virtualServerGroups) {
    out.gap();
    out.block("virtual_server_group", [name], () => {
      for (const entry of entries) showGroupEntry(entry, out);
    });
  }
  for (const server of config.virtualServers) showService(server, out);
}

function showTls(tls: LvsSections["checkerTls"], out: ConfWriter, { secrets }: ShowOptions): void {
  if (tls === undefined) return;
  const { password, caFile, certificateFile, keyFile } = tls;
  out.gap();
  out.block("SSL", [], () => {
    out.setting("password", secrets || password === undefined ? password : "<hidden>");
    out.setting("ca", caFile);
    out.setting("certificate", certificateFile);
    out.setting("key", keyFile);
  });
}

function showGroupEntry(entry: GroupEntry, out: ConfWriter): void {
  if (entry.kind === "fwmark") out.line("fwmark", entry.fwmark, entry.family);
  else out.line(entry.first === entry.last ? entry.first : `${entry.first}-${entry.last}`, entry.port);
}
