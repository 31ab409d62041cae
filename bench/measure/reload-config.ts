import { serverAddress } from "./farm.js";

/** What a reload of the large configuration can change; each is counted up, so that no reload asks for what was there already. */
export interface Edition {
  /** Of every real server. */
  readonly weight: number;
  /** More than that, for each hundredth of them. */
  readonly extra: number;
  /** Which half of the farm's addresses the real servers have. */
  readonly half: 0 | 1;
}

export interface ReloadFarm {
  readonly services: number;
  readonly servers: number;
  readonly port: number;
}

/** Addresses of a farm (bench/measure/farm.ts) that have no hole: two halves of 65,536. */
const HALF = 1 << 16;
export const ADVERT_MS = 100;
export const VIP = "192.0.2.51";

const head = `global_defs {
  router_id bench
}
vrrp_instance V {
  version 3
  state MASTER
  interface eth0
  virtual_router_id 51
  priority 200
  advert_int ${ADVERT_MS / 1000}
  virtual_ipaddress { ${VIP}/24 }
}
`;

/** A master beside the farm: its adverts tell who was held up. */
export function reloadText({ services, servers, port }: ReloadFarm, { weight, extra, half }: Edition): string {
  const lines: string[] = [];
  let server = 0;
  for (let i = 0; i < services; i++) {
    lines.push(`virtual_server 172.16.${i >> 8}.${i & 255} ${port} {`);
    lines.push("  delay_loop 60", "  lvs_sched wrr", "  lvs_method NAT", "  protocol TCP");
    for (const end = Math.floor((servers * (i + 1)) / services); server < end; server++) {
      lines.push(`  real_server ${serverAddress(half * HALF + server)} ${port} {`);
      lines.push(`    weight ${weight + (server % 100 === 0 ? extra : 0)}`);
      lines.push(
        "    TCP_CHECK {",
        "      connect_timeout 3",
        "      retry 2",
        "      delay_before_retry 2",
        "    }",
        "  }",
      );
    }
    lines.push("}");
  }
  return `${head}${lines.join("\n")}\n`;
}

/** How many that `extra` speaks of. */
export const hundredths = ({ servers }: ReloadFarm): number => Math.ceil(servers / 100);
