import type { FilesConfig, ProcessConfig } from "../config/model-global.js";

/**
 * Path of a state dump (SIGUSR1), relative to the directory of dump files unless absolute. `part`: "" for VRRP, "_check" for checks.
 * keepalived.conf(5) state_dump_file and data_use_instance: `keepalived_check.NETNS_INSTANCE.data`.
 */
export function stateDumpName(
  part: "" | "_check" | "_bfd",
  { stateDump, useInstance }: Pick<FilesConfig, "stateDump" | "useInstance">,
  { netNamespace, instanceName }: Pick<ProcessConfig, "netNamespace" | "instanceName">,
): string {
  const wanted = stateDump ?? "";
  const named = wanted === "" || wanted.endsWith("/") ? `${wanted}keepalived.data` : wanted;
  const dot = named.lastIndexOf(".");
  const split = dot > named.lastIndexOf("/") ? dot : named.length;
  const names = [netNamespace, instanceName].filter((name) => name !== undefined);
  const own = useInstance && names.length > 0 ? `.${names.join("_")}` : "";
  return `${named.slice(0, split)}${part}${own}${named.slice(split)}`;
}
