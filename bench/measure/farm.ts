/** A farm of real servers, one check each, as text for each of the peers. */
export interface Farm {
  readonly servers: number;
  readonly check: "tcp" | "http" | "https";
  readonly port: number;
  readonly delayLoopSeconds: number;
  readonly timeoutSeconds: number;
  /** Real servers per virtual server. Default 250. */
  readonly perService?: number;
  /** First real server of the network; default 0. */
  readonly from?: number;
  /** Lines of our own in every check: keepalived does not know them. */
  readonly ours?: readonly string[];
}

/**
 * All of a farm's addresses are local (a route, see stand.ts), so that one listener answers for all; except the `hole`, from which
 * nothing comes back.
 */
export const farmNetwork = {
  address: "10.64.0.0",
  prefix: "10.64.0.0/14",
  addresses: 1 << 18,
  hole: "10.67.0.0/16",
  holeFrom: 3 << 16,
} as const;

export const serverAddress = (n: number): string => `10.${64 + ((n >> 16) & 3)}.${(n >> 8) & 255}.${n & 255}`;
const serviceAddress = (n: number): string => `172.${16 + ((n >> 16) & 15)}.${(n >> 8) & 255}.${n & 255}`;

/** In the language of keepalived.conf(5). `checkerThreads` is ours. */
export function configText(farms: readonly Farm[], checkerThreads?: number): string {
  const globals = ["router_id bench", ...(checkerThreads === undefined ? [] : [`checker_threads ${checkerThreads}`])];
  return ["global_defs {", ...globals.map((line) => `  ${line}`), "}", ...farms.map(farmText), ""].join("\n");
}

function farmText(farm: Farm): string {
  const { servers, port, delayLoopSeconds, perService = 250, from = 0 } = farm;
  const lines: string[] = [];
  const check = checkText(farm);
  for (let first = from; first < from + servers; first += perService) {
    const service = serviceAddress(Math.floor(first / perService) + 1);
    lines.push(`virtual_server ${service} ${port} {`, `  delay_loop ${delayLoopSeconds}`);
    lines.push("  lvs_sched wrr", "  lvs_method NAT", "  protocol TCP");
    for (let n = first; n < Math.min(first + perService, from + servers); n++)
      lines.push(`  real_server ${serverAddress(n)} ${port} {`, "    weight 1", check, "  }");
    lines.push("}");
  }
  return lines.join("\n");
}

function checkText({ check, timeoutSeconds, ours = [] }: Farm): string {
  const name = { tcp: "TCP_CHECK", http: "HTTP_GET", https: "SSL_GET" }[check];
  const url = check === "tcp" ? [] : ["url {", "  path /", "  status_code 200", "}"];
  const lines = [...url, `connect_timeout ${timeoutSeconds}`, "retry 0", "delay_before_retry 1", ...ours];
  return [`    ${name} {`, ...lines.map((line) => `      ${line}`), "    }"].join("\n");
}
