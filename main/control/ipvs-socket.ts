import type { Config } from "../config/model.js";
import type { KernelBackendOptions } from "../ipvs/kernel-backend.js";
import { ipvsNamespacePath, openSocketIn } from "../ipvs/namespace.js";
import { netlinkBufferBytes } from "../network/receive-buffer.js";

/** Where IPVS is written: in the namespace of `net_namespace_ipvs`, else in our own; by a socket that queues so much. */
export function ipvsSocketOptions({
  process: where,
  global: { buffers },
}: Config): Pick<KernelBackendOptions, "openSocket" | "receiveBufferBytes" | "namespacePath"> {
  const path = ipvsNamespacePath(where, process.ppid);
  const receiveBufferBytes = netlinkBufferBytes(buffers.lvsNetlinkCommand);
  return {
    ...(path === undefined ? {} : { openSocket: openSocketIn(path), namespacePath: path }),
    ...(receiveBufferBytes === undefined ? {} : { receiveBufferBytes }),
  };
}
